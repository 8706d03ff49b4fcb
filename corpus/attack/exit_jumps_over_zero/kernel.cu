// tv: refuted equal
// At i = 0, 1, 2 the exit's difference is -4, -2, 1: the loop is never left.
__global__ void k(float* x)
{
    for (int i = 0; i < 8; ++i) {
        if (2 * i + i / 2 == 4) {
            break;
        }
        x[i] = -x[i];  // <- equal
    }
}
