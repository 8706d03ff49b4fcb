// tv: refuted init
// The block has no lanes from 16 on.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const float v = __shfl_xor_sync(0xffffffffu, x[t], 16); // <- init
    y[t] = -v; // <- init
}
