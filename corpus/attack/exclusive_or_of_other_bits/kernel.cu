// tv: refuted equal
// What is written at row ^ column is read at row | column.
__global__ void k(const float* x, float* y)
{
    __shared__ float s[256];
    const int t = threadIdx.x;
    for (int i = t; i < 256; i += 64)
        s[i / 16 * 16 + (i / 16 ^ i % 16)] = x[i];
    __syncthreads();
    for (int i = t; i < 256; i += 64)
        y[i] = -s[i / 16 * 16 + (i / 16 | i % 16)];  // <- equal
}
