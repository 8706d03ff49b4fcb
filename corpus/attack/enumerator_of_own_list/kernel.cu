// tv: refuted equal
// Inside the list `Step` is the list's own first enumerator, so that the second is 2.
const int Step = 10;
enum class Scale { Step = 1, Next = Step + 1 };

__global__ void scale(const float* x, float* y)
{
    const int t = threadIdx.x;
    y[t] = x[t] * (int)Scale::Next;  // <- equal
}
