// tv: unknown race
// Two loads of `w` become one, and so do those of the indices: at a chosen address, by the path of `i`.
__global__ void k(const int* __restrict__ i, const float* __restrict__ w, int* b, float* y)
{
    const int t = threadIdx.x;
    b[t] = i[t];
    __syncthreads();
    if (t < 32)
        y[t] = w[i[t]];
    else
        y[t] = w[b[95 - t]];  // <- race
}
