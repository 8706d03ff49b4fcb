// tv: unknown race
// The pointer is loaded again behind the barrier, and nvcc takes it for one to memory that is only read.
__global__ void k(float* const* tab, const float* x, float* __restrict__ p)
{
    const int t = threadIdx.x;
    tab[0][t] = -x[t];
    __syncthreads();
    p[t] = tab[0][511 - t];
}
