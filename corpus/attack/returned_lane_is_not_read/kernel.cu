// tv: proved bitwise
// A full mask after some lanes have returned: the others read only each other.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    if (t >= 20) {
        y[t] = -x[t];
        return;
    }
    const float after = __shfl_down_sync(0xffffffffu, x[t], 1);
    const float own = __shfl_up_sync(0xffffffffu, after, 1);
    y[t] = -(t > 0 ? own : x[0]);
}
