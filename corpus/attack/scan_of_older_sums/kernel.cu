// tv: refuted equal
// The second half of the steps starts from what the first half found, and adds its steps to what there was before.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    float v = x[t], old = 0.0f;
    for (int d = 1; d < 32; d *= 2) { // <- equal
        const float u = __shfl_up_sync(0xffffffffu, v, d); // <- equal
        if (d == 4) old = v;
        if (t >= d) v = (d > 4 ? old : v) + u; // <- equal
    }
    y[t] = v; // <- equal
}
