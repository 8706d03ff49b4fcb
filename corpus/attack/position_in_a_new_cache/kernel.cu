// tv: refuted coverage
// The output is memory of its own, and only one row of it is written.
__global__ void k(const float* cache, const float* fresh, const long long* to, float* y)
{
    y[to[0] * 4 + threadIdx.x] = fresh[threadIdx.x];  // <- coverage
}
