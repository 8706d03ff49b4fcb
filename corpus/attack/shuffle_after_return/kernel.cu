// tv: refuted barrier
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = -x[t];
    if (t % 2 == 1) {
        y[t] = -__shfl_xor_sync(0xffffffffu, x[t], 0); // <- barrier
    }
}
