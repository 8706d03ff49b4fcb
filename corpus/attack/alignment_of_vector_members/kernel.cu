// tv: refuted bounds
// Components are stored one by one, but through a float4*: the compiler makes one store of 16 bytes of them.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    float4* p = (float4*)(y + 1 + 4 * t);
    const float* q = x + 1 + 4 * t;
    p->x = -q[0];  // <- bounds
    p->y = -q[1];
    p->z = -q[2];
    p->w = -q[3];
    if (t == 0)
        y[0] = -x[0];
}
