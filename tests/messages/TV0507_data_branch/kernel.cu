__global__ void add(const float* x, const float* b, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n || x[i] > 1.0e30f) return;
    y[i] = x[i] + b[i];
}
