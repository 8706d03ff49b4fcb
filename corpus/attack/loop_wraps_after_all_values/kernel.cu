// tv: unknown TV0509
// Two to the thirtieth rounds, after which the unsigned counter is zero: the loop ends.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    unsigned int i = 4u;
    do {
        y[t] = -x[t];
        i += 4u;
    } while (i != 0u);
}
