__global__ void pick(const float* x, const long long* i, float* y) {
    y[threadIdx.x] = x[i[0] * 64 + threadIdx.x];
}
