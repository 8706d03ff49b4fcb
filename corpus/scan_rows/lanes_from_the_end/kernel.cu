// tv: proved reassoc
#ifndef COLS
#define COLS 32
#endif
#ifndef BLOCK
#define BLOCK 256
#endif

// A row for each COLS lanes of a warp, its first element with the last of them: sums move down.
__global__ void scan_rows(const float* __restrict__ x, float* __restrict__ y, int rows)
{
    const int lane = threadIdx.x % COLS;
    const int row = blockIdx.x * (BLOCK / COLS) + threadIdx.x / COLS;
    const size_t at = (size_t)row * COLS + (COLS - 1 - lane);

    float sum = row < rows ? x[at] : 0.0f;
#pragma unroll
    for (int d = 1; d < COLS; d *= 2) {
        const float after = __shfl_down_sync(0xffffffffu, sum, d, COLS);
        sum = lane + d < COLS ? sum + after : sum;
    }
    if (row < rows) y[at] = sum;
}
