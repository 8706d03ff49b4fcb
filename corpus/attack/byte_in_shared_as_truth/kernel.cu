// tv: refuted init
// A byte of 2 is no bool, and not equal to 1.
__global__ void k(const unsigned char* x, int* y)
{
    const int t = threadIdx.x;
    __shared__ unsigned char kept[32];
    kept[t] = x[t];
    y[t] = ((const bool*)kept)[t] == true;  // <- init
}
