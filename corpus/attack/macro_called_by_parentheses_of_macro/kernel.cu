// tv: refuted equal
// The parentheses are another macro's: they make no call of the macro `pick`.
__device__ int pick(int v) { return 7; }
#define pick(v) v
#define THREE (3)
#define CALL pick THREE
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const int n = CALL;
    y[t] = n == 3 ? -x[t] : x[t];  // <- equal
}
