// tv: refuted bounds
// One thread a token: the greatest logit, then the greatest of the others, then a softmax over the two.
#ifndef E
#define E 8
#endif
#ifndef BLOCK
#define BLOCK 128
#endif

extern "C" __global__ void __launch_bounds__(BLOCK)
gate(const float* __restrict__ logits, float* __restrict__ weights, long long* __restrict__ experts, int tokens)
{
    const int token = blockIdx.x * BLOCK + threadIdx.x;
    if (token >= tokens) {
        return;
    }
    const float* row = logits + (size_t)token * E;
    float first = -INFINITY, second = -INFINITY;
    int expert = 0, other = 0;
    for (int e = 0; e <= E; ++e) {
        if (row[e] > first) {  // <- bounds
            first = row[e];
            expert = e;
        }
    }
    for (int e = 0; e < E; ++e) {
        if (e == expert) {
            continue;
        }
        if (row[e] > second) {
            second = row[e];
            other = e;
        }
    }
    const float greatest = fmaxf(first, second);
    const float a = expf(first - greatest), b = expf(second - greatest);
    const float sum = a + b;
    weights[2 * token] = a / sum;
    weights[2 * token + 1] = b / sum;
    experts[2 * token] = expert;
    experts[2 * token + 1] = other;
}
