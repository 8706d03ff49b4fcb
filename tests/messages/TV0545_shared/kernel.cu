__global__ void add(const float* x, const float* b, float* y, const int* p, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    __shared__ float s[256];
    s[threadIdx.x] = b[0];
    __syncthreads();
    if (i < n) y[i] = x[i] - s[p[i]];
}
