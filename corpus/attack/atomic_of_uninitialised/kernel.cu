// tv: refuted init
// What an atomic adds is uninitialised, which is undefined although nothing reads the sum.
__global__ void k(const float* x, float* y, int* count)
{
    const int t = threadIdx.x;
    int u;
    atomicAdd(&count[0], u); // <- init
    y[t] = -x[t];
}
