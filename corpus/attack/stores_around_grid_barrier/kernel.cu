// tv: refuted race
#include <cooperative_groups.h>

__global__ void k(const float* x, float* y, float* w)
{
    const int t = blockIdx.x * 32 + threadIdx.x;
    const float v = x[t];
    w[t] = v;
    cooperative_groups::this_grid().sync();
    w[t + 64] = v; // <- race
    y[t] = w[64 + 63 - t]; // <- race
}
