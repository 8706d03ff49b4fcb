// tv: refuted equal
// The operator is the file's own: it takes `y` of the first operand for its second component.
struct Pair {
    float x, y;
};

__device__ Pair operator+(const Pair& a, const Pair& b)
{
    return Pair{a.x + b.x, a.y};
}

__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    const Pair zero{-0.0f, -0.0f};
    const Pair mine{-0.0f, -x[t]};
    const Pair sum = zero + mine;
    y[t] = sum.x + sum.y;  // <- equal
}
