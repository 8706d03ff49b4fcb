// tv: refuted equal
// Another number than the graph's sum is, zero or not.
__global__ void k(const float* x, const float* z, int* y)
{
    const int t = threadIdx.x;
    const float s = fmaf(x[t * 2 + 1], z[1], x[t * 2] * z[0]);
    y[t] = __float_as_int(s + 1.0f); // <- equal
}
