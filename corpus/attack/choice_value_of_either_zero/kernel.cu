// tv: unknown equal
// Of two zeros the function gives the positive one, the graph the one that stands first.
__global__ void k(const float* x, float* v)
{
    const int row = threadIdx.x;
    const float* r = x + row * 8;
    float v1 = -INFINITY, v2 = -INFINITY;
    int p1 = 0;
    for (int i = 0; i < 8; ++i) {
        if (r[i] > v1) { p1 = i; }
        v1 = fmaxf(v1, r[i]);  // <- equal
    }
    for (int i = 0; i < 8; ++i) {
        if (i != p1) {
            v2 = fmaxf(v2, r[i]);  // <- equal
        }
    }
    v[2 * row] = v1;  // <- equal
    v[2 * row + 1] = v2;  // <- equal
}
