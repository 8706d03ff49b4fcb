// tv: refuted bounds
// The struct promises 16 bytes of alignment, and is loaded as a whole; one element behind the buffer's start it is not aligned.
struct __align__(16) Four {
    float a, b, c, d;
};

__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const Four v = *(const Four*)(x + 1 + 4 * t);  // <- bounds
    float* p = y + 1 + 4 * t;
    p[0] = -v.a;
    p[1] = -v.b;
    p[2] = -v.c;
    p[3] = -v.d;
    if (t == 0)
        y[0] = -x[0];
}
