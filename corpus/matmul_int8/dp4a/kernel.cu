// tv: proved bitwise
// One thread an element; four bytes of the row and of the column at a time.
#ifndef K
#define K 4096
#endif
#ifndef N
#define N 11008
#endif

__global__ void matmul_int8(const signed char* __restrict__ x, const signed char* __restrict__ w, int* __restrict__ y, int rows)
{
    const int row = blockIdx.y;
    const int col = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows || col >= N) return;
    const int* a = reinterpret_cast<const int*>(x + row * K);
    const int* b = reinterpret_cast<const int*>(w + col * K);
    int sum = 0;
#pragma unroll 8
    for (int k = 0; k < K / 4; ++k)
        sum = __dp4a(a[k], b[k], sum);
    y[row * N + col] = sum;
}
