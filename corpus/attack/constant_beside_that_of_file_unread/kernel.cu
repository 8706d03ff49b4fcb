// tv: unsupported TV0111
// Behind the comma another constant is declared, which that of the namespace does not hide.
namespace sizes {
const int WIDTH = 4;
}
const int HEIGHT(3), WIDTH(5);
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = WIDTH == 4 ? -x[t] : x[t];
}
