// tv: refuted coverage
// The layout has floor(-i / 2) + 3 i + 4: 4, 6, 9, 11. The kernel writes every fourth element.
__global__ void k(const float* x, float* y)
{
    const int i = threadIdx.x;
    y[i * 4 + 4] = -x[i];  // <- coverage
}
