__global__ void add(const float* x, const float* b, float* y, int n, unsigned* count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (threadIdx.x == 0) while (atomicAdd(count, 0) != blockIdx.x);
    __syncthreads();
    if (i < n) y[i] = x[i] + b[i];
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) atomicAdd(count, 1);
}
