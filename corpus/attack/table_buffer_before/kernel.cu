// tv: refuted bounds
struct P {
    float* y;
    const float* w[2];
};

__global__ void k(P p)
{
    const int t = threadIdx.x;
    const float* second = p.w[1] - 64;
    p.y[t] = second[t] + p.w[1][t];  // <- bounds
}
