// tv: unknown barrier
// Right: the first lane of each warp waits until the warp before it has had its turn.
__global__ void negate(const float* x, float* y)
{
    __shared__ volatile int turn;
    const int t = threadIdx.x;
    if (t == 0)
        turn = 0;
    __syncthreads();
    if (t % 32 == 0) {
        while (turn != t / 32) { // <- barrier
        }
        __threadfence_block();
        turn = t / 32 + 1;
    }
    __syncthreads();
    y[t] = -x[t];
}
