// tv: refuted race
#ifndef COLS
#define COLS 512
#endif

// One block a row: each column starts with its neighbour, and adds what stands a distance before it.
__global__ void scan_exclusive(const float* __restrict__ x, float* __restrict__ y, int rows)
{
    __shared__ float sums[COLS];
    const int t = threadIdx.x;
    const size_t at = (size_t)blockIdx.x * COLS + t;
    sums[t] = t > 0 ? x[at - 1] : 0.0f;
    __syncthreads();
    for (int d = 1; d < COLS; d *= 2) {
        float sum = sums[t];
        if (t >= d) sum += sums[t - d];  // <- race
        sums[t] = sum;  // <- race
        __syncthreads();
    }
    y[at] = sums[t];
}
