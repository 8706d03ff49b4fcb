// tv: bad-input TV0221
// A `const` struct has const members.
struct Scale { float by; };
__constant__ const Scale c = {2.0f};

__global__ void k(const float* x, float* y)
{
    y[threadIdx.x] = x[threadIdx.x] * expf(c.by);
}
