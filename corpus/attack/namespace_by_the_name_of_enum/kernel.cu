// tv: unsupported TV0122
// `Mode::N` is the enumerator: the namespace of that name is another namespace's.
namespace modes {
namespace Mode {
const int N = 4;
}
}
enum class Mode { N = 6 };
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = (int)Mode::N == 4 ? -x[t] : x[t];
}
