// tv: refuted equal
// A round uses what the round before left in a variable: the rounds are no threads of their own.
__global__ void k(const float* x, float* y, int M, int N)
{
    const int stride = gridDim.x * blockDim.x;
    float first = 0.0f;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < M * N; i += stride) {
        const int r = i / N, c = i % N;
        if (first == 0.0f)
            first = x[r * N + c];
        y[r * N + c] = -first;  // <- equal
    }
}
