// tv: refuted init
#ifndef COLS
#define COLS 256
#endif

// One block a row, column COLS - 1 with the first thread: from one copy of the sums to the other and back.
__global__ void scan_from_end(const int* __restrict__ x, int* __restrict__ y, int rows)
{
    __shared__ unsigned sums[2][COLS];
    const int t = threadIdx.x;
    const size_t at = (size_t)blockIdx.x * COLS + (COLS - 1 - t);
    int from = 0;
    sums[from][t] = (unsigned)x[at];
    __syncthreads();
    for (int d = 1; d < COLS; d <<= 1) {
        const int to = 1 - from;
        if (t >= d)
            sums[to][t] = sums[from][t] + sums[from][t - d];  // <- init
        from = to;
        __syncthreads();
    }
    y[at] = (int)sums[from][t];  // <- init
}
