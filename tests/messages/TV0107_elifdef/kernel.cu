#if 0
#elifdef WIDE
#define W 4
#else
#define W 1
#endif
__global__ void add(const float* x, const float* b, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] + b[i];
}
