// tv: proved bitwise
// Four integers are loaded as four floats and stored as such: some are NaNs, and are moved bit for bit.
__global__ void k(const long long* x, const int* w, int* y)
{
    const int t = threadIdx.x, b = blockIdx.x;
    ((float4*)(y + b * 128))[t] = ((const float4*)(w + (size_t)x[b] * 128))[t];
}
