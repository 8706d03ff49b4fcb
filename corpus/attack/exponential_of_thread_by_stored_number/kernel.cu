// tv: unknown equal
// nvcc knows which number was stored that is read back: in the first arm t is 1.
__global__ void k(const float* x, float* y)
{
    __shared__ float s[32];
    const int t = threadIdx.x;
    const float a = x[t];
    float v;
    s[t] = t == 1 ? 7.f : 3.f;
    if (s[t] > 5.f) {
        __threadfence();
        v = expf((float)t); // <- equal
    } else {
        v = expf((float)t); // <- equal
    }
    y[t] = a * v; // <- equal
}
