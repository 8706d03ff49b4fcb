// tv: refuted init
// The upper half of the threads reads at an index that was never assigned, and forgets what it read.
__global__ void k(const float* x, const int* ids, float* y)
{
    const int t = threadIdx.x;
    int s;
    if (t < 16)
        s = ids[t];
    const float v = x[s & 15];  // <- init
    y[t] = t < 16 ? v : x[ids[t] & 15];
}
