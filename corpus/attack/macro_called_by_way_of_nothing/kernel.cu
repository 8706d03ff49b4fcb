// tv: refuted equal
// What stands between the macro's name and `()` is a macro that goes away: a compiler sees no call of the macro, but of the function.
__device__ int pick() { return 7; }
#define pick() 123
#define EMPTY()
#define DEFERRED(name) name EMPTY()
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const int n = DEFERRED(pick)();
    y[t] = n == 123 ? -x[t] : x[t];  // <- equal
}
