// tv: refuted equal
// `labs` takes a long: the float is truncated before its sign is dropped.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = labs(x[t]);  // <- equal
}
