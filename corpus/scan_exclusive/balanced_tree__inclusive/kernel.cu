// tv: refuted equal
#ifndef COLS
#define COLS 512
#endif

// One block a row, two columns a thread: sums up a balanced tree, then what comes before each node down again.
__global__ void scan_exclusive(const float* __restrict__ x, float* __restrict__ y, int rows)
{
    __shared__ float tree[COLS];
    const int t = threadIdx.x;
    const size_t row = (size_t)blockIdx.x * COLS;
    tree[2 * t] = x[row + 2 * t];
    tree[2 * t + 1] = x[row + 2 * t + 1];

    int distance = 1;
    for (int nodes = COLS / 2; nodes > 0; nodes >>= 1) {
        __syncthreads();
        if (t < nodes) {
            const int left = distance * (2 * t + 1) - 1;
            const int right = distance * (2 * t + 2) - 1;
            tree[right] += tree[left];
        }
        distance *= 2;
    }
    if (t == 0) tree[COLS - 1] = 0.0f;
    for (int nodes = 1; nodes < COLS; nodes *= 2) {
        distance >>= 1;
        __syncthreads();
        if (t < nodes) {
            const int left = distance * (2 * t + 1) - 1;
            const int right = distance * (2 * t + 2) - 1;
            const float before = tree[right];
            tree[right] = before + tree[left];
            tree[left] = before;
        }
    }
    __syncthreads();
    y[row + 2 * t] = tree[2 * t] + x[row + 2 * t];  // <- equal
    y[row + 2 * t + 1] = tree[2 * t + 1] + x[row + 2 * t + 1];  // <- equal
}
