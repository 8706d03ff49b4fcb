// tv: unsupported TV0125
// A host function saves the macro and puts it back, by a literal of wide letters.
#define NEGATED 0
inline void save()
{
    _Pragma(L"push_macro(\"NEGATED\")")
}
#undef NEGATED
#define NEGATED 1
inline void restore()
{
    _Pragma(L"pop_macro(\"NEGATED\")")
}
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = NEGATED ? -x[t] : x[t];
}
