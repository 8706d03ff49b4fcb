// tv: refuted coverage
// The symbol K is the dimension N, and J the dimension K: the kernel writes as many elements of z as y has.
__global__ void k(const float* x, const float* w, float* y, float* z, int n)
{
    for (int i = threadIdx.x; i < n; i += 32) {
        y[i] = -x[i];
        z[i] = -w[i];  // <- coverage
    }
}
