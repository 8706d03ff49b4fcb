// tv: refuted equal
// The distance counts modulo 32.
__global__ void k(const float* x, float* y)
{
    const float v = x[threadIdx.x];
    y[threadIdx.x] = v + __shfl_down_sync(0xffffffffu, v, 33); // <- equal
}
