// tv: unknown equal
// The sign of a zero that the order of a sum leaves free chooses between two numbers.
__global__ void k(const float* x, const float* z, float* y)
{
    const int t = threadIdx.x;
    const float s = fmaf(x[t * 2 + 1], z[1], x[t * 2] * z[0]); // <- equal
    y[t] = __float_as_int(s) < 0 ? 1.0f : 2.0f; // <- equal
}
