// tv: unknown barrier
// Right: lanes wait for those that execute the same intrinsic with the same mask, wherever it stands. It is not followed.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    float v = x[t];
    if (t < 16) {
        v = __shfl_xor_sync(0xffffffffu, v, 0); // <- barrier
    } else {
        v = __shfl_xor_sync(0xffffffffu, v, 0);
    }
    y[t] = -v;
}
