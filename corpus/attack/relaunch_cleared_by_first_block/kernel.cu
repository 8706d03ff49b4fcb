// tv: unknown coverage
// Block 0 may be the first to run: what the others add after its exchange stays there.
__global__ void k(const float* x, float* y, unsigned int* c)
{
    const int t = threadIdx.x;
    if (t != 0) return;
    y[blockIdx.x] = -x[blockIdx.x];
    atomicAdd(c, 1u); // <- coverage
    if (blockIdx.x == 0) atomicExch(c, 0u); // <- coverage
}
