// tv: unknown equal
// Which NaN a negation gives is not stated, and the output is the integer of its bits.
__global__ void k(const float* x, int* y)
{
    const int t = threadIdx.x;
    y[t] = __float_as_int(-x[t]); // <- equal
}
