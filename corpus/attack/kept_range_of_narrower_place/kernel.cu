// tv: refuted bounds
// What p may be under the condition says nothing of what it is without: 31, and the store goes past the end.
__global__ void k(const float* x, const int* flag, float* scratch, float* y)
{
    __shared__ int s[1];
    int t = threadIdx.x;
    if (t == 0) s[0] = 2;
    __syncthreads();
    int p = flag[t] > 0 ? t : s[0];
    if (t < 16) scratch[p * 32 + t] = 1.0f;
    scratch[p * 32 + t] = 2.0f;  // <- bounds
    y[t] = -x[t] + (float)flag[t];
}
