// tv: refuted equal
// Without a `break`, every third element is negated twice.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    float v = x[t];
    switch (t % 3) {
        case 0:
            v = -v;
        case 1:
        case 2:
            v = -v;
    }
    y[t] = v;  // <- equal
}
