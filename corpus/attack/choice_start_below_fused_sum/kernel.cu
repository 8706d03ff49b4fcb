// tv: proved reassoc
// The start is below x w + b, rounded once or twice.
__global__ void place(const float* x, const float* w, const float* b, long long* y)
{
    __shared__ float s[32];
    const int t = threadIdx.x;
    s[t] = x[t] * w[t] + b[t];
    __syncthreads();
    if (t == 0) {
        float m = -33582080.0f;
        int at = -1;
        for (int i = 0; i < 32; ++i) {
            const float v = s[i];
            if (v > m) {
                m = v;
                at = i;
            }
        }
        y[0] = at;
    }
}
