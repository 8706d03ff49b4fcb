// tv: refuted equal
#ifndef TILE
#define TILE 16
#endif

// One element a thread.
__global__ void matmul(const float* a, const float* b, float* y, int M, int N, int K)
{
    const int col = blockIdx.x * TILE + threadIdx.x;
    const int row = blockIdx.y * TILE + threadIdx.y;
    if (row >= M || col >= N) {
        return;
    }
    a += row * K;
    b += col;
    float sum = 0.0f;
    for (int k = 1; k != K; ++k) {
        sum = fmaf(a[k], *b, sum);  // <- equal
        b += N;
    }
    y[row * N + col] = sum;  // <- equal
}
