// tv: refuted equal
// Twenty lanes are left to vote, whatever the mask names.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    if (t >= 20) {
        y[t] = x[t] * 32.0f;
        return;
    }
    y[t] = x[t] * (float)__popc(__ballot_sync(0xffffffffu, true)); // <- equal
}
