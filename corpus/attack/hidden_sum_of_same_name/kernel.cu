// tv: refuted equal
// A layer's tensor has the name that a matrix product's hidden sum is given: layers 0 and 1 lack bias, Relu and Neg here.
__global__ void k(const float* x, const float* w, const float* b, float* y)
{
    __shared__ float h[16];
    const int t = threadIdx.x, r = t / 4, c = t % 4;
    h[t] = x[t];
    __syncthreads();
    float s = 0.0f;
    for (int l = 0; l < 3; ++l) {
        s = 0.0f;
        for (int i = 0; i < 4; ++i) {
            s = __fadd_rn(s, __fmul_rn(h[r * 4 + i], w[l * 16 + i * 4 + c])); // <- equal
        }
        __syncthreads();
        h[t] = s;
        __syncthreads();
    }
    y[t] = -fmaxf(__fadd_rn(s, b[8 + c]), 0.0f);
}
