// tv: refuted init
// The atomic operation adds to elements of an output that nothing has set.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    atomicAdd(&y[t], -x[t]); // <- init
}
