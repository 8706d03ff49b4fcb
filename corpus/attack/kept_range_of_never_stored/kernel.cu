// tv: refuted init
// Half of s is never stored, so that what is known of the other half decides nothing.
__global__ void k(const float* x, float* y)
{
    int l = threadIdx.x;
    __shared__ int s[64];
    if (l < 32) s[l] = 0;
    __syncthreads();
    int q = s[l] + 1000;  // <- init
    y[l] = q > 1003 ? 3.0f : -x[l];
}
