// tv: refuted equal
#ifndef COLS
#define COLS 32
#endif
#ifndef BLOCK
#define BLOCK 256
#endif

// A row for each COLS lanes of a warp: after the step of distance d, a lane holds the sum of 2 d elements, its own the last.
__global__ void scan_rows(const float* __restrict__ x, float* __restrict__ y, int rows)
{
    const int lane = threadIdx.x % COLS;
    const int row = blockIdx.x * (BLOCK / COLS) + threadIdx.x / COLS;
    const size_t at = (size_t)row * COLS + lane;

    float sum = row < rows ? x[at] : 0.0f;
#pragma unroll
    for (int d = 1; 2 * d < COLS; d *= 2) {  // <- equal
        const float before = __shfl_up_sync(0xffffffffu, sum, d, COLS);
        if (lane >= d) sum += before;  // <- equal
    }
    if (row < rows) y[at] = sum;  // <- equal
}
