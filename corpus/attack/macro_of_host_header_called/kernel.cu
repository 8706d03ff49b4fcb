// tv: unsupported TV0109
// <stdlib.h>, which nvcc includes, has a macro of this name: only the definition is spared, by its parentheses.
__device__ int (WEXITSTATUS)(int a) { return 0; } // tv: here
__global__ void negate(const float* x, float* y)
{
    const int i = threadIdx.x;
    y[i] = WEXITSTATUS(256) == 0 ? -x[i] : x[i];
}
