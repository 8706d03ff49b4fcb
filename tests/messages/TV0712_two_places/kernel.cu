__global__ void add(const float* x, const float* b, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (threadIdx.x % 2) __syncwarp();
    else __syncwarp();
    if (i < n) y[i] = x[i] + b[i];
}
