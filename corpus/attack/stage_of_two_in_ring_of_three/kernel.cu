// tv: refuted equal
// The stage that is written goes round in three, the one that is read in two.
__global__ void k(const float* x, float* y)
{
    __shared__ float s[3][64];
    const int t = threadIdx.x;
    s[0][t] = s[1][t] = s[2][t] = x[t];
    int write = 0, read = 0;
    for (int i = 0; i < 4; ++i) {
        s[write][t] = x[t + 64 * i];  // <- equal
        y[t + 64 * i] = -s[read][t];  // <- equal
        write = write + 1 == 3 ? 0 : write + 1;
        read ^= 1;
    }
}
