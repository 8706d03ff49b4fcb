// tv: refuted equal
// The last thread never leaves the loop.
__global__ void k(float* x)
{
    const int t = threadIdx.x;
    for (int i = 0; i < 8; ++i) {
        if (i == 3 && i > t) {
            break;
        }
        x[t * 8 + i] = -x[t * 8 + i];  // <- equal
    }
}
