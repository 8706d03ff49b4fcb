__global__ void add(const float* x, const float* b, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    float v = 0.0f;
    if (i < n) {
        asm volatile("add.f32 %0, %1, %2;" : "=f"(v) : "f"(x[i]), "f"(b[i]));
        y[i] = v;
    }
}
