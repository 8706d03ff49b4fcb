// tv: refuted equal
// Beside one number a row may hold nothing but -infinity: the second search then keeps what it starts from.
__global__ void k(const float* x, float* v, long long* p)
{
    const int row = threadIdx.x;
    const float* r = x + row * 8;
    float v1 = -INFINITY, v2 = -INFINITY;
    int p1 = 0, p2 = 0;
    for (int i = 0; i < 8; ++i) {
        if (r[i] > v1) { v1 = r[i]; p1 = i; }
    }
    for (int i = 0; i < 8; ++i) {
        if (i != p1 && r[i] > v2) { v2 = r[i]; p2 = i; }
    }
    v[2 * row] = v1;  // <- equal
    v[2 * row + 1] = v2;  // <- equal
    p[2 * row] = p1;  // <- equal
    p[2 * row + 1] = p2;  // <- equal
}
