// tv: unsupported TV0111
// Two constants of one name; that of the file has its value in parentheses, as a host function its parameters.
namespace sizes {
const int WIDTH = 4;
}
const int WIDTH(5);
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = WIDTH == 4 ? -x[t] : x[t];
}
