// tv: refuted equal
// Up to the closing brace an enumerator has the type of its initializer: 1u - 2 is large.
enum { ONE = 1u, LARGE = (ONE - 2 > 0) };
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = LARGE == 0 ? -x[t] : x[t];  // <- equal
}
