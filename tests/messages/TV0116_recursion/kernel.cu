__device__ float power(float v, int k) { return k == 0 ? 1.0f : v * power(v, k - 1); }
__global__ void add(const float* x, const float* b, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = power(x[i], 2) + b[i];
}
