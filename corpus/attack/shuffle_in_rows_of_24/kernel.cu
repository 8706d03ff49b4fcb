// tv: refuted equal
// A row of the block is no warp: from the second row on, lane threadIdx.x of the warp is another thread.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.y * 24 + threadIdx.x;
    const float v = __shfl_sync(0xffffffffu, x[t], threadIdx.x); // <- equal
    y[t] = -v; // <- equal
}
