// tv: refuted race
// The second warp has no barrier.
__global__ void k(const float* x, float* y)
{
    __shared__ float s[2][32];
    const int w = threadIdx.x / 32, l = threadIdx.x % 32;
    s[w][l] = x[threadIdx.x]; // <- race
    if (w == 0) {
        __syncwarp();
    }
    y[(1 - w) * 32 + l] = s[w][31 - l]; // <- race
}
