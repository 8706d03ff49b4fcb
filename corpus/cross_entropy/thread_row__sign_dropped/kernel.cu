// tv: refuted equal
#ifndef V
#define V 50257
#endif

// One thread per row: minus the logarithm of the probability of the row's own class.
__global__ void cross_entropy(const float* __restrict__ probs, const int* __restrict__ targets,
                              float* __restrict__ losses, int rows)
{
    const int r = blockIdx.x * blockDim.x + threadIdx.x;
    if (r >= rows)
        return;
    const int own = targets[r];
    losses[r] = logf(probs[(size_t)r * V + own]);  // <- equal
}
