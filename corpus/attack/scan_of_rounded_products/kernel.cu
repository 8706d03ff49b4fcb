// tv: refuted equal
// nvcc may add a product that is not rounded to what the lane before hands over; in half precision the graph rounds it.
#include <cuda_fp16.h>
__global__ void k(const half* x, const half* w, float* y)
{
    const int t = threadIdx.x;
    float v = __half2float(x[t]) * __half2float(w[t]); // <- equal
    for (int d = 1; d < 32; d *= 2) { // <- equal
        const float u = __shfl_up_sync(0xffffffffu, v, d); // <- equal
        if (t >= d) v += u; // <- equal
    }
    y[t] = v; // <- equal
}
