// tv: unknown equal
// Both arms read alike, but in the first nvcc knows the thread: it evaluates the call there, by another function.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const float a = x[t];
    float v;
    if (t == 1) {
        __threadfence();
        v = expf((float)t); // <- equal
    } else {
        v = expf((float)t); // <- equal
    }
    y[t] = a * v; // <- equal
}
