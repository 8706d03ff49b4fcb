// tv: refuted equal
// Lane 0 of the thread's warp is thread 32 * (t / 32); the graph has the first element of ten rows of three.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const int r = t / 3, c = t % 3;
    const float v = x[r * 3 + c];  // <- equal
    const float u = __shfl_sync(0xffffffffu, v, 0);
    y[r * 3 + c] = u;
}
