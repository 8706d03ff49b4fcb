// tv: refuted equal
// The upper half reads the segment before its own.
__global__ void k(const float* x, float* y)
{
    const float v = x[threadIdx.x];
    y[threadIdx.x] = v + __shfl_xor_sync(0xffffffffu, v, 16, 16); // <- equal
}
