// tv: refuted equal
// Right for even numbers of elements.
__global__ void k(const float* x, float* y, int n)
{
    float s = 0.0f;
    for (int i = 0; i < (n + 1) / 2; ++i) {
        s += x[i]; // <- equal
    }
    for (int i = n / 2; i < n; ++i) {
        s += x[i]; // <- equal
    }
    y[0] = s; // <- equal
}
