// tv: refuted init
// Both halves are there, each with its own mask: what one reads of the other is undefined.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const unsigned mask = t < 16 ? 0xffffu : 0xffff0000u;
    float v = __shfl_xor_sync(mask, x[t], 16); // <- init
    v = __shfl_xor_sync(mask, v, 16); // <- init
    y[t] = -v; // <- init
}
