// tv: refuted equal
__global__ void k(const float* x, float* y)
{
    const int big = 16777219;
    y[threadIdx.x] = x[threadIdx.x] + __int2float_rz(big); // <- equal
}
