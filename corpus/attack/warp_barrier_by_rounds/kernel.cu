// tv: refuted race
// The first warp makes no round.
__global__ void k(const float* x, float* y)
{
    __shared__ float s[2][32];
    const int w = threadIdx.x / 32, l = threadIdx.x % 32;
    s[w][l] = x[threadIdx.x]; // <- race
    for (int i = 0; i < w; ++i) {
        __syncwarp();
    }
    y[(1 - w) * 32 + l] = s[w][31 - l]; // <- race
}
