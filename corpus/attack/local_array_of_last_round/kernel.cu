// tv: refuted init
__global__ void k(const float* x, float* y)
{
    for (int r = 0; r < 4; ++r) {
        float cell[2];
        if (r == 0) {
            cell[1] = -x[0];
        }
        y[r] = cell[1]; // <- init
    }
}
