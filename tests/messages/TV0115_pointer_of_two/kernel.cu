__global__ void add(const float* x, const float* b, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    const float* from = i % 2 ? x : b;
    if (i < n) y[i] = from[i] + b[i];
}
