// tv: refuted race
// Where the value is not positive, no fence orders what is stored before the arrival.
__global__ void k(const float* x, float* y, float* s, unsigned int* c)
{
    const int t = threadIdx.x;
    if (t != 0) return;
    const float own = x[blockIdx.x];
    s[blockIdx.x] = own; // <- race
    if (own > 0.f) __threadfence();
    bool last = atomicAdd(c, 1u) == 3;
    if (!last) return;
    __threadfence();
    float sum = 0.f;
    for (int b = 0; b < 4; ++b) sum += s[b]; // <- race
    y[0] = sum;
}
