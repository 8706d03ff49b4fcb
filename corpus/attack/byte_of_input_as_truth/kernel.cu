// tv: refuted init
// nvcc stores the byte that it reads as bool, whatever it is.
__global__ void k(const unsigned char* x, int* y)
{
    const int t = threadIdx.x;
    y[t] = ((const bool*)x)[t];  // <- init
}
