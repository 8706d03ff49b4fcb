__global__ void add(const float* x, const float* b, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    float v = __shfl_sync(0xffffffff, x[0], (int)b[0]);
    if (i < n) y[i] = v - b[i];
}
