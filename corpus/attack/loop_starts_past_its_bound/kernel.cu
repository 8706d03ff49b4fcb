// tv: refuted equal
// The product wraps in blocks from 86 on, and their loops begin.
__global__ void k(float* x)
{
    for (unsigned r = blockIdx.x / 2; r * 100000000u < 300000001u; ++r) {
        if (r == blockIdx.x / 2) {
            x[blockIdx.x] = -x[blockIdx.x];  // <- equal
        }
    }
}
