__global__ void add(const float* x, const float* b, float* y, int n) {
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    unsigned k = i;
    for (int j = 0; j < 4; ++j) k += 0x40000000;
    if (k < n) y[k] = x[k] + b[k];
}
