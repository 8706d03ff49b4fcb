// tv: unsupported TV0311
// `pytorch_half_pixel` takes the first element where one is left, not the middle one.
__global__ void resize(const float* x, float* y)
{
    if (threadIdx.x == 0) y[0] = x[2];
}
