// tv: unknown race
// Atomics of 4 and of 8 bytes on one cell are not atomic to each other, which is a race.
__global__ void k(const float* x, float* y, unsigned* count)
{
    const int t = threadIdx.x + blockIdx.x * 32;
    if (blockIdx.x == 0) {
        atomicAdd(&count[0], 1u); // <- race
    } else {
        atomicAdd((unsigned long long*)count, 1ull);
    }
    y[t] = -x[t];
}
