// tv: refuted equal
// A comment's end, cut in two by a line that ends in a backslash and blanks.
__global__ void k(const float* x, float* y)
{
    const int t = threadIdx.x;
    int n = 1; /* a star, a backslash and blanks *\                                                                                
/ n = 0; /* */
    y[t] = n == 1 ? -x[t] : x[t];  // <- equal
}
