// tv: unknown race
// Volatile accesses are relaxed ones, in shared memory as elsewhere: two of them do not race, and the fences order what the flag is for.
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
        __threadfence_block();
        if (t == 0) ready = 1;  // <- race
    } else {
        while (ready == 0) { // <- race
        }
        __threadfence_block();
        y[t] = -x[t];
        y[t - 32] = -s[t - 32];
    }
}
