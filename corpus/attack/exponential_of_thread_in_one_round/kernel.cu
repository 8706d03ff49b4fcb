// tv: unknown equal
// In the first round the condition leaves one thread, in the second two: nvcc may evaluate the first round's call.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    for (int r = 0; r < 2; ++r) {
        const float a = x[r * 32 + t];
        if (t >= 1 && t <= r + 1) {
            __threadfence();
            y[r * 32 + t] = a * expf((float)t); // <- equal
            __threadfence();
        } else {
            y[r * 32 + t] = a * expf((float)t); // <- equal
        }
    }
}
