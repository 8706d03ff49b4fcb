// tv: refuted race
// What one thread may have replaced another reads with no barrier between.
__global__ void k(const float* x, float* y)
{
    __shared__ float s[64];
    const int i = threadIdx.x;
    s[i] = 0.0f;
    __syncthreads();
    if (x[63 - i] > 0.0f) s[63 - i] = x[63 - i];  // <- race
    y[i] = s[i];  // <- race
}
