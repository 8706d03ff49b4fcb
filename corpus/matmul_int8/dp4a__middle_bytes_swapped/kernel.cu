// tv: refuted equal
// One thread an element; the bytes of a word of the column are put together again.
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
    const char4* b = reinterpret_cast<const char4*>(w + col * K);
    int sum = 0;
#pragma unroll 8
    for (int k = 0; k < K / 4; ++k)
    {
        const char4 v = b[k];
        const int word = (unsigned char)v.x | (unsigned char)v.z << 8 | (unsigned char)v.y << 16 | (unsigned)(unsigned char)v.w << 24;
        sum = __dp4a(a[k], word, sum);  // <- equal
    }
    y[row * N + col] = sum;
}
