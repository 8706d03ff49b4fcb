// tv: refuted range
// What an atomic adds is computed although nothing reads it, and overflows.
__global__ void k(const float* x, float* y, int* count)
{
    const int t = threadIdx.x;
    atomicAdd(&count[0], t * 200000000); // <- range
    y[t] = -x[t];
}
