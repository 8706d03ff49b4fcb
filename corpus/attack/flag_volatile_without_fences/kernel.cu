// tv: refuted race
// Nothing orders the stores to `s` before the flag.
__global__ void k(const float* x, float* y)
{
    __shared__ float s[32];
    __shared__ volatile int ready;
    const int t = threadIdx.x;
    if (t == 0) ready = 0;
    __syncthreads();
    if (t < 32) {
        s[t] = x[t]; // <- race
        __syncwarp();
        if (t == 0) ready = 1; // <- race
    } else {
        while (ready == 0) { // <- race
        }
        y[t] = -x[t];
        y[t - 32] = -s[t - 32]; // <- race
    }
}
