// tv: refuted bounds
// A reference to a vector stands for an aligned address, whoever reads the vector's components one by one.
__device__ void negate(const float4& v, float* y)
{
    y[0] = -v.x;
    y[1] = -v.y;
    y[2] = -v.z;
    y[3] = -v.w;
}

__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    negate(*(const float4*)(x + 1 + 4 * t), y + 1 + 4 * t);  // <- bounds
    if (t == 0)
        y[0] = -x[0];
}
