// tv: unknown equal
// Fused, |z| + x w may be -0, where z is +0 and the product is tiny and below zero; by comparison it stays before a +0.
__global__ void greatest(const float* x, const float* w, const float* z, float* y)
{
    __shared__ float s[32];
    const int t = threadIdx.x;
    s[t] = fabsf(z[t]) + x[t] * w[t];
    __syncthreads();
    if (t == 0) {
        float m = -__int_as_float(0x7f800000);
        for (int i = 0; i < 32; ++i) {
            const float v = s[i];
            m = v > m ? v : m;  // <- equal
        }
        y[0] = m;  // <- equal
    }
}
