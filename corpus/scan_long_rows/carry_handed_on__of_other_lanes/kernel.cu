// tv: refuted equal
#ifndef COLS
#define COLS 4096
#endif

// One warp a row, 32 columns at a time: what the last lane has is carried to the next chunk.
__global__ void scan_row(const float* __restrict__ x, float* __restrict__ y, int rows)
{
    const int lane = threadIdx.x;
    const size_t row = (size_t)blockIdx.x * COLS;
    float carry = 0.0f;
    for (int c = 0; c < COLS; c += 32) {
        float v = x[row + c + lane];
        for (int d = 1; d < 32; d <<= 1) {
            const float n = __shfl_up_sync(0xffffffffu, v, d);
            if (lane >= d)
                v += n;
        }
        v += carry;  // <- equal
        y[row + c + lane] = v;  // <- equal
        carry = __shfl_sync(0xffffffffu, v, lane ^ 1);
    }
}
