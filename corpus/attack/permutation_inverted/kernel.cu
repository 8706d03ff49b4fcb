// tv: refuted equal
__global__ void k(const float* x, float* y)
{
    const int i = threadIdx.z, j = threadIdx.y, l = threadIdx.x;
    y[(l * 4 + i) * 4 + j] = x[(i * 4 + j) * 4 + l]; // <- equal
}
