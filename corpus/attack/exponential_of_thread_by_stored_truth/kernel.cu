// tv: unknown equal
// nvcc knows where a truth was stored that is read back: in the first arm t is 1.
__global__ void k(const float* x, float* y)
{
    __shared__ int s[32];
    const int t = threadIdx.x;
    const float a = x[t];
    float v;
    if (t == 1) s[t] = 1;
    else s[t] = 0;
    if (s[t]) {
        __threadfence();
        v = expf((float)t); // <- equal
    } else {
        v = expf((float)t); // <- equal
    }
    y[t] = a * v; // <- equal
}
