__global__ void add(const float* x, const float* b, float* y, int n, unsigned* count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] + b[i];
    __threadfence();
    if (threadIdx.x == 0) atomicInc(count, gridDim.x - 1);
}
