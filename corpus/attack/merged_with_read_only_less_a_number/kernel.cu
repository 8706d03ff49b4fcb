// tv: unknown race
// To nvcc both arms add -3, whichever way they are written.
__global__ void k(const float* __restrict__ x, float* b, float* y)
{
    const int t = threadIdx.x;
    b[t] = x[t];
    __syncthreads();
    if (t < 32)
        y[t] = x[t] - 3.0f;
    else
        y[t] = -3.0f + b[95 - t];  // <- race
}
