__global__ void add(const float* x, const float* b, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        float v = x[i];
        for (int j = 1; j < n; j = j * 3 + i) v += b[i];
        y[i] = v;
    }
}
