__global__ void add(const float* x, const float* b, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    unsigned mask = __ballot_sync(0xffffffff, b[0] > 0.0f);
    float v = __shfl_sync(mask, x[0], 0);
    if (i < n) y[i] = v - b[i];
}
