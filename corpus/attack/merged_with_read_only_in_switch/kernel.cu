// tv: unknown race
// nvcc makes one read-only load of what the case and what follows the switch load.
__global__ void k(const float* __restrict__ x, float* b, float* y)
{
    const int t = threadIdx.x;
    b[t] = -x[t];
    __syncthreads();
    switch (t / 32) {
    case 0: y[t] = x[t]; return;
    default: break;
    }
    y[t] = b[95 - t];
}
