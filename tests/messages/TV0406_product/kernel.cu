__global__ void add(const float* x, const float* b, float* y, int n, int m) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (2 * i < n * m) ((float2*)y)[i] = ((const float2*)x)[i];
}
