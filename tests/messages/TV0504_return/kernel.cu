__global__ void add(const float* x, const float* b, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    for (int j = 0; j < 4; j++) {
        if (j == i) return;
    }
    if (i < n) y[i] = x[i] + b[i];
}
