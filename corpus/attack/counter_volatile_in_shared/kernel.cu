// tv: unknown race
// The last of 32 arrivals is waited for by volatile loads; each arrival stands behind a fence.
__global__ void k(const float* x, float* y)
{
    __shared__ float s[32];
    __shared__ volatile int arrived;
    const int t = threadIdx.x;
    if (t == 0) arrived = 0;
    __syncthreads();
    if (t < 32) {
        s[t] = x[t]; // <- race
        __threadfence_block();
        atomicAdd(const_cast<int*>(&arrived), 1);  // <- race
    } else {
        while (arrived < 32) { // <- race
        }
        __threadfence_block();
        y[t] = -x[t];
        y[t - 32] = -s[t - 32];
    }
}
