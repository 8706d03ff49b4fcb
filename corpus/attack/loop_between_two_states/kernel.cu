// tv: refuted barrier
// Stages take turns, and the counter is one of them.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    int stage = 0;
    while (stage < 2) {  // <- barrier
        y[t] = -x[t];
        stage ^= 1;
    }
}
