// tv: refuted bounds
// Whether an index is negative is looked up at its neighbour.
__global__ void k(const float* table, const long long* ids, float* y)
{
    const int r = threadIdx.x / 4;
    long long at = ids[r];
    if (ids[r ^ 1] < 0) at += 8;
    y[threadIdx.x] = table[at * 4 + threadIdx.x % 4];  // <- bounds
}
