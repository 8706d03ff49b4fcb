// tv: unknown determinism
// The last block leaves a sum that its own place is part of.
__global__ void k(const float* x, float* y, float* s, unsigned int* c)
{
    __shared__ bool last;
    const int t = threadIdx.x;
    const int i = blockIdx.x * 64 + t;
    if (t != 0) return;
    s[blockIdx.x] = x[blockIdx.x];
    __threadfence();
    last = atomicAdd(c, 1u) == 3;
    if (!last) return;
    __threadfence();
    float sum = 0.0f;
    for (int b = 0; b < 4; ++b) {
        sum += s[(b + blockIdx.x) % 4]; // <- determinism
    }
    y[0] = sum; // <- determinism
}
