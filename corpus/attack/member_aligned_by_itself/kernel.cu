// tv: refuted bounds
// The second member is aligned to 8 bytes, so a pair takes 16: the array holds half as many.
struct Pair {
    float a;
    __align__(8) float b;
};

__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const Pair* p = (const Pair*)x;
    y[2 * t] = -p[t].a;  // <- bounds
    y[2 * t + 1] = -p[t].b;
}
