// tv: refuted barrier
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    if (t < 10) {
        __syncwarp(); // <- barrier
    }
    y[t] = -x[t];
}
