// tv: refuted barrier
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    for (int i = 0; i < t; ++i) {
        __syncthreads(); // <- barrier
    }
    y[t] = -x[t];
}
