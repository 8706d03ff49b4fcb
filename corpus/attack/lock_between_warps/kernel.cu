// tv: unknown barrier
// Right: the first lanes of two warps take a lock in turns, and whoever has it gives it back. That a thread which has left the
// loop is still inside of the `if` does not mean that it waits at the barrier.
__global__ void negate(const float* x, float* y)
{
    __shared__ int lock;
    const int t = threadIdx.x;
    if (t == 0)
        lock = 0;
    __syncthreads();
    if (t % 32 == 0) {
        while (atomicExch(&lock, 1) != 0) { // <- barrier
        }
        __threadfence_block();
        atomicExch(&lock, 0);
    }
    __syncthreads();
    y[t] = -x[t];
}
