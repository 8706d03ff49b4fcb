// tv: unknown coverage
// Two exchanges of one cell by two blocks, in no order: either value may be what is left.
__global__ void k(const float* x, float* y, unsigned int* c)
{
    const int t = threadIdx.x;
    if (t != 0) return;
    y[blockIdx.x] = -x[blockIdx.x];
    if (blockIdx.x == 1) atomicExch(c, 7u); // <- coverage
    if (blockIdx.x == 0) atomicExch(c, 0u); // <- coverage
}
