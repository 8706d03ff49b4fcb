__global__ void add(const float* x, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float v = 0.0f;
    for (int j = 0; j < 64; j++) v += x[i * 64 + j];
    y[i] = v + x[i * 64];
}
