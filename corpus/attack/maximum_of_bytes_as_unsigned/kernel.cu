// tv: refuted equal
// A byte with a sign, made an unsigned integer, is larger than every one without.
__global__ void k(const signed char* x, signed char* y)
{
    const signed char* row = x + threadIdx.x * 8;
    signed char m = row[0];
    for (int c = 1; c < 8; ++c) {
        const signed char v = row[c];
        m = (unsigned int)m < (unsigned int)v ? v : m;  // <- equal
    }
    y[threadIdx.x] = m;  // <- equal
}
