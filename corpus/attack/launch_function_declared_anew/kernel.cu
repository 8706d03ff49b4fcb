// tv: bad-input TV0220
// The second of two declarators is a lambda of the name of the file's function, and changes what is passed.
__global__ void negate(const float* x, float* y, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = -x[i];
}

__host__ __device__ constexpr int same(int a) { return a; }

void run(const float* x, float* y)
{
    auto halved = [](int& a) { a = 128; return 256; };
    auto first = halved, same = halved;
    int n = 256;
    dim3 block(same(n));
    negate<<<1, 256>>>(x, y, n);
}
