// tv: refuted race
// A barrier of the warp orders the accesses of those that reach it; lane 31 wrote and returned.
__global__ void k(const float* x, float* y)
{
    __shared__ float s[32];
    const int t = threadIdx.x;
    s[t] = x[t]; // <- race
    if (t == 31) {
        y[t] = -x[t];
        return;
    }
    __syncwarp();
    const float after = s[t + 1]; // <- race
    y[t] = -x[t] + (after - after) * 0.0f;
}
