// tv: unsupported TV0114
// One argument is the element at `i`, by reference, the other counts `i` up: which comes first is the compiler's choice.
__device__ float first(const float& v, int) { return -v; }

__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    int i = t;
    y[t] = first(x[i], i++);
}
