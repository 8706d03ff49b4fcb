template <class T> __device__ T twice(T v) { return v + v; }
__global__ void add(const float* x, const float* b, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    thrust::pair<float, float> both = thrust::make_pair(x[i], b[i]);
    if (i < n) y[i] = both.first + both.second;
}
