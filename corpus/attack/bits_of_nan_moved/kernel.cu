// tv: proved bitwise
// Loads, stores and shuffles keep every bit, of a NaN too: the integer of a float that was only moved is the graph's.
__global__ void k(const float4* x, int4* y)
{
    __shared__ float4 s[8];
    const int t = threadIdx.x;
    if (t < 8) s[t] = x[t];
    __syncthreads();
    if (t < 8) {
        const float4 v = s[t];
        y[t] = make_int4(__float_as_int(v.x), __float_as_int(v.y), __float_as_int(v.z), __float_as_int(v.w));
    }
}
