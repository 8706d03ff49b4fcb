__global__ void add(const float* x, const float* b, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    __shared__ int turn;
    if (threadIdx.x == 0) turn = 255;
    __syncthreads();
    while (atomicAdd(&turn, 0) != threadIdx.x);
    if (i < n) y[i] = x[i] + b[i];
    atomicSub(&turn, 1);
}
