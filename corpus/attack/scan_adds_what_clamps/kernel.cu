// tv: refuted equal
// A lane that has nothing before it is handed its own value, which is added unless the lane is the first.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    float v = x[t];
    for (int d = 1; d < 32; d *= 2) { // <- equal
        const float u = __shfl_up_sync(0xffffffffu, v, d); // <- equal
        v = t > 0 ? v + u : v; // <- equal
    }
    y[t] = v; // <- equal
}
