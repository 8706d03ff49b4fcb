// tv: unknown equal
// A thread's number compared as a float is known as it is as an integer.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const float a = x[t];
    float v;
    if ((float)t == 1.f) {
        __threadfence();
        v = expf((float)t); // <- equal
    } else {
        v = expf((float)t); // <- equal
    }
    y[t] = a * v; // <- equal
}
