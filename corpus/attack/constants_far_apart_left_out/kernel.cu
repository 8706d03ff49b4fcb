// tv: refuted equal
// As before, with the one that is far from the others left out.
__global__ void add(const unsigned long long* x, unsigned long long* y)
{
    const int t = threadIdx.x;
    if (t < 4) y[t] = x[t] + (t == 0 ? 2ull : 5ull);  // <- equal
}
