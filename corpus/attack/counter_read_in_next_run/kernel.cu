// tv: unknown init
// `c` counts to 2 in the loop's first run (m = 2) and is read when the same loop runs again (m = 1); no text outside reads it.
__global__ void k(int* y)
{
    unsigned c = 0;
    for (int r = 0; r < 1; ++r) {
        for (int m = 2; m > 0; m >>= 1) {
            if (m == 2) {
                c = 0;
            }
            for (int j = 0; j < m; ++j) {
                if (m == 1) {
                    y[r] = c; // <- init
                }
                ++c;
            }
        }
    }
}
