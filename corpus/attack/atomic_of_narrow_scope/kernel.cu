// tv: unknown race
// Atomics of block scope on one cell by two blocks: neither is atomic to the other, which is a race.
__global__ void k(const float* x, float* y, unsigned* count)
{
    const int t = threadIdx.x + blockIdx.x * 32;
    atomicAdd_block(&count[0], 1u); // <- race
    y[t] = -x[t];
}
