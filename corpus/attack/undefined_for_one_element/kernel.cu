// tv: refuted init
__global__ void k(const float* x, float* y, int n)
{
    float s;
    for (int i = 1; i < n; ++i) {
        s = i == 1 ? x[0] + x[1] : s + x[i];
    }
    y[0] = s; // <- init
}
