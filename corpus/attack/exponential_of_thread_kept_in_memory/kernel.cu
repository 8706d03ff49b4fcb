// tv: unknown equal
// nvcc knows what was just stored: where s[t] is 1, so is t, and the call is evaluated.
__global__ void k(const float* x, float* y)
{
    __shared__ int s[32];
    const int t = threadIdx.x;
    const float a = x[t];
    float v;
    s[t] = t;
    if (s[t] == 1) {
        __threadfence();
        v = expf((float)t); // <- equal
    } else {
        v = expf((float)t); // <- equal
    }
    y[t] = a * v; // <- equal
}
