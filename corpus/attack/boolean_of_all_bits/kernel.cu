// tv: refuted equal
// A byte that is not zero is no boolean yet: it has to be one.
__global__ void k(const float* x, unsigned char* y)
{
    const int i = threadIdx.x;
    y[i] = x[i] > 0.0f ? 255 : 0;  // <- equal
}
