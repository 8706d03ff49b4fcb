// tv: proved bitwise
// nvcc knows neither a block's number nor a thread's: both exponents of a pair are computed by the device.
__global__ void k(const float2* x, float2* y)
{
    const int t = threadIdx.x, r = blockIdx.x;
    const float2 a = x[r * 32 + t];
    y[r * 32 + t] = make_float2(a.x * expf((float)r), a.y * expf((float)t));
}
