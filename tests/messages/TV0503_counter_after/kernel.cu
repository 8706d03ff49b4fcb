__global__ void add(const float* x, const float* b, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        int j = 0;
        for (; j < n && j < 64; j += 3);
        y[i] = x[i] - b[j < n ? j : 0];
    }
}
