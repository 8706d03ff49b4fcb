// tv: refuted bounds
// As in kept_range_of_narrower_place; where no thread ever comes, p may be anything, and nothing is known of it.
__global__ void k(const float* x, const int* flag, float* scratch, float* y)
{
    __shared__ int s[1];
    int t = threadIdx.x;
    if (t == 0) s[0] = 2;
    __syncthreads();
    int p = flag[t] > 0 ? t : s[0];
    if (t > 100) scratch[p * 32 + t] = 1.0f;
    scratch[p * 32 + t] = 2.0f;  // <- bounds
    y[t] = -x[t] + (float)flag[t];
}
