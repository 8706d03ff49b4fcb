// tv: refuted race
// Two rows of 24 threads are a warp and a half: the second row lies in both.
__global__ void k(const float* x, float* y)
{
    __shared__ float s[2][24];
    const int r = threadIdx.y, l = threadIdx.x;
    s[r][l] = x[r * 24 + l]; // <- race
    __syncwarp();
    y[(1 - r) * 24 + l] = s[r][23 - l]; // <- race
}
