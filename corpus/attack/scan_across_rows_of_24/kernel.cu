// tv: refuted equal
// Rows of 24 threads: the lane of a warp is not the column.
__global__ void k(const float* x, float* y)
{
    const int column = threadIdx.x, at = threadIdx.y * 24 + column;
    float v = x[at];
    for (int d = 1; d < 24; d *= 2) { // <- equal
        const float u = __shfl_up_sync(0xffffffffu, v, d); // <- equal
        if (column >= d) v += u; // <- equal
    }
    y[at] = v; // <- equal
}
