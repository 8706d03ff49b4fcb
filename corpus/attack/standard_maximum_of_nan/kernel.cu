// tv: refuted equal
// `std::max` compares: where the element is NaN it is taken, and the graph has the other.
#include <algorithm>

__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = std::max(x[t], 0.0f);  // <- equal
}
