// tv: refuted equal
// Only every other element is looked at.
#ifndef COLS
#define COLS 1000
#endif
#ifndef BLOCK
#define BLOCK 128
#endif

extern "C" __global__ void __launch_bounds__(BLOCK)
argmax_rows(const float* __restrict__ x, long long* __restrict__ place, int rows)
{
    const int row = blockIdx.x * BLOCK + threadIdx.x;
    if (row >= rows) {
        return;
    }
    const float* values = x + (size_t)row * COLS;
    float best = values[0];
    int at = 0;
    for (int i = 1; i < COLS; i += 2) {
        const float v = values[i];
        if (v > best) {
            best = v;
            at = i;
        }
    }
    place[row] = at;  // <- equal
}
