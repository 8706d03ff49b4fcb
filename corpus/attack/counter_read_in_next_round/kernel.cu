// tv: refuted equal
__global__ void k(const int* x, int* y)
{
    int p = 5;
    for (int r = 0; r < 4; ++r) {
        y[r] = x[r] + p; // <- equal
        p = 0;
        for (int j = 0; j < 3; ++j) {
            ++p;
        }
    }
}
