// tv: unknown equal
// What an integer outside its range is, is not defined: a branch on it may go anywhere.
__global__ void k(const float* x, int* y)
{
    const int i = threadIdx.x;
    const float f = x[i] * 2.0f;
    const int twice = (int)f;
    int once = (int)x[i];
    if (twice > 0) once = once + 0 * 1;
    y[i] = once;  // <- equal
}
