// tv: unsupported TV0111
// All groups of a switch are one scope: `a` of the second is the one that the first declares, and the outer one stays 5.
__global__ void scale(const float* x, float* y)
{
    const int t = threadIdx.x;
    int a = 5;
    switch (t & 1) {
    case 0:
        ;
        int a;
        a = 1;
        break;
    case 1:
        a = 2;
        break;
    }
    y[t] = x[t] * (t & 1 ? a : 2);
}
