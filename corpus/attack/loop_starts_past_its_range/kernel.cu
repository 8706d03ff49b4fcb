// tv: refuted range
__global__ void k(const float* x, float* y)
{
    for (int r = blockIdx.x / 2; r * 100000000 < 300000001; ++r) {  // <- range
        if (r == 1000) {
            y[0] = 0.0f;
        }
    }
    y[blockIdx.x] = -x[blockIdx.x];
}
