// tv: unsupported TV0111
// The file's own `Cell` is a class that the readers do not know.
namespace grid {
struct Cell {
    int a, b;
};
}
class Cell {
public:
    virtual ~Cell();
    int a, b, c;
};
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = sizeof(Cell) == 8 ? -x[t] : x[t];
}
