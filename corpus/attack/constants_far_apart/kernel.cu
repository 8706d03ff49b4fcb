// tv: proved bitwise
// A line through two of the graph's stored integers leaves 64 bits, though each of them is in range.
__global__ void add(const unsigned long long* x, unsigned long long* y)
{
    const int t = threadIdx.x;
    const unsigned long long low = 0x8000000000000001ull;
    if (t < 4) y[t] = x[t] + (t == 0 ? 2 : t == 1 ? low : 5);
}
