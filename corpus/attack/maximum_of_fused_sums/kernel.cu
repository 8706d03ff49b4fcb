// tv: unknown equal
// A sum of products from +0 is -0 where its last step is fused and loses a tiny number below zero.
__global__ void greatest(const float* x, const float* w, float* y)
{
    __shared__ float s[32];
    const int t = threadIdx.x;
    float a = 0.0f;
    for (int i = 0; i < 8; ++i) a += x[t * 8 + i] * w[i];
    s[t] = a;
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
