// tv: unknown equal
// Between these floats there is one integer.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const float a = x[t];
    float v;
    if ((float)t > 0.5f && (float)t < 1.5f) {
        __threadfence();
        v = expf((float)t); // <- equal
    } else {
        v = expf((float)t); // <- equal
    }
    y[t] = a * v; // <- equal
}
