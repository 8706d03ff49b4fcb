// tv: refuted equal
// The third search leaves out the second alone.
__global__ void k(const float* x, float* v, long long* p)
{
    const int row = threadIdx.x;
    const float* r = x + row * 8;
    float v1 = -INFINITY, v2 = -INFINITY, v3 = -INFINITY;
    int p1 = 0, p2 = 0, p3 = 0;
    for (int i = 0; i < 8; ++i) {
        if (r[i] > v1) { v1 = r[i]; p1 = i; }
    }
    for (int i = 0; i < 8; ++i) {
        if (i != p1 && r[i] > v2) { v2 = r[i]; p2 = i; }
    }
    for (int i = 0; i < 8; ++i) {
        if (i != p2 && r[i] > v3) { v3 = r[i]; p3 = i; }
    }
    v[3 * row] = v1;
    v[3 * row + 1] = v2;
    v[3 * row + 2] = v3;  // <- equal
    p[3 * row] = p1;
    p[3 * row + 1] = p2;
    p[3 * row + 2] = p3;  // <- equal
}
