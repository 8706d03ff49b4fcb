__global__ void spin(const float* x, float* y) {
    int t = threadIdx.x;
    __shared__ float s[8];
    s[t] = x[t];
    for (int j = 0; j < 1001; ++j) {
        __syncthreads();
        float v = s[(t + 1) % 8];
        __syncthreads();
        s[t] = v;
    }
    y[t] = s[t];
}
