// tv: unsupported TV0125
// The pragma outlasts the host function in which it stands.
inline void host()
{
#pragma pack(1)
}
struct Pair {
    char c;
    float f;
};
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = sizeof(Pair) == 8 ? -x[t] : x[t];
}
