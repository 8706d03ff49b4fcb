__global__ void add(const float* x, const float* b, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        float v = x[i];
        for (int j = 0; v += b[i], j < 4; j++) v += b[i];
        y[i] = v;
    }
}
