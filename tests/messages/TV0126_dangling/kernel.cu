__global__ void add(const float* x, const float* b, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    const float* p;
    {
        float v = x[i < n ? i : 0];
        p = &v;
    }
    if (i < n) y[i] = *p + b[i];
}
