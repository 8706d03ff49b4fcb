// tv: refuted equal
// A size is unsigned, also as an enumerator further on in the list.
enum { BYTES = sizeof(long), LESS = BYTES - 9 < 0 };
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = LESS == 1 ? -x[t] : x[t];  // <- equal
}
