// tv: refuted equal
#include <cooperative_groups.h>
#include <cuda_fp16.h>

#ifndef V
#define V 512
#endif
#ifndef L
#define L 2
#endif
#ifndef H
#define H 4
#endif
#ifndef KV
#define KV 2
#endif
#ifndef HD
#define HD 32
#endif
#ifndef F
#define F 344
#endif
#ifndef CTX
#define CTX 1024
#endif
#ifndef THREADS
#define THREADS 128
#endif
#define D (H * HD)
#define WARPS (THREADS / 32)
#define LAYER (2 * D * D + 2 * KV * HD * D + 3 * F * D + 2 * D)
#define FULL 0xffffffffu

namespace cg = cooperative_groups;

__device__ __forceinline__ float warp_sum(float v)
{
    for (int o = 16; o > 0; o >>= 1)
        v += __shfl_xor_sync(FULL, v, o);  // <- equal
    return v;
}

__device__ __forceinline__ float warp_max(float v)
{
    for (int o = 16; o > 0; o >>= 1)
        v = fmaxf(v, __shfl_xor_sync(FULL, v, o));
    return v;
}

// One row of a matrix by a vector, by one warp; every lane gets the sum.
__device__ float dot(const half* row, const half* x, int n, int lane)
{
    float s = 0.0f;
    for (int c = lane; c < n; c += 32)
        s = __fmaf_rn(__half2float(row[c]), __half2float(x[c]), s);
    return warp_sum(s);
}

// The whole row by every block for itself.
__device__ void rms_norm(const half* x, const half* gain, half* out, float* partial)
{
    float s = 0.0f;
    for (int i = threadIdx.x; i < D; i += THREADS) {
        const float v = __half2float(x[i]);
        s = __fmaf_rn(v, v, s);
    }
    s = warp_sum(s);
    if (threadIdx.x % 32 == 0)
        partial[threadIdx.x / 32] = s;
    __syncthreads();
    float total = 0.0f;
    for (int w = 0; w < WARPS; ++w)
        total = __fadd_rn(total, partial[w]);
    const float r = __fdiv_rn(1.0f, __fsqrt_rn(__fadd_rn(__fdiv_rn(total, (float)D), 1e-6f)));
    for (int i = threadIdx.x; i < D; i += THREADS)
        out[i] = __hmul_rn(gain[i], __float2half_rn(__fmul_rn(__half2float(x[i]), r)));
    __syncthreads();
}

// One token through all layers in one cooperative launch. Rows of matrices are dealt to the warps of the grid, heads to its blocks.
__global__ void __launch_bounds__(THREADS)
decode_step(const half* table, const half* weights, const half* gain, const half* head, const float* frequency,
            half* k_cache, half* v_cache, half* x, half* qkv, half* query, half* mixed, half* hidden, half* logits,
            float scale, long long token, int pos)
{
    __shared__ __align__(16) half normed[D];
    __shared__ float partial[WARPS];
    __shared__ float score[CTX];
    cg::grid_group grid = cg::this_grid();
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const int first = blockIdx.x * WARPS + warp, step = gridDim.x * WARPS;

    for (int i = blockIdx.x * THREADS + threadIdx.x; i < D; i += gridDim.x * THREADS)
        x[i] = table[token * D + i];
    grid.sync();

    for (int l = 0; l < L; ++l) {
        const half* w = weights + (size_t)l * LAYER;
        const half* wo = w + D * D + 2 * KV * HD * D;
        const half* wg = wo + D * D;
        const half* wu = wg + F * D;
        const half* wd = wu + F * D;
        const half* gains = wd + D * F;
        half* kc = k_cache + (size_t)l * KV * CTX * HD;
        half* vc = v_cache + (size_t)l * KV * CTX * HD;

        // query, key and value of the normalised row
        rms_norm(x, gains, normed, partial);
        for (int r = first; r < D + 2 * KV * HD; r += step) {
            const float s = dot(w + (size_t)r * D, normed, D, lane);
            if (lane == 0)
                qkv[r] = __float2half_rn(s);
        }
        grid.sync();

        // query and key turned by the position; key and value appended
        for (int i = blockIdx.x * THREADS + threadIdx.x; i < (H + 2 * KV) * HD; i += gridDim.x * THREADS) {
            const int d = i % HD, n = i / HD;
            if (n < H + KV) {
                const float angle = __fmul_rn((float)pos, frequency[d % (HD / 2)]);
                const half c = __float2half_rn(cosf(angle)), s = __float2half_rn(sinf(angle));
                const half t = d < HD / 2 ? __hneg(qkv[i + HD / 2]) : qkv[i - HD / 2];
                const half u = __hadd_rn(__hmul_rn(qkv[i], c), __hmul_rn(t, s));
                if (n < H)
                    query[i] = u;
                else
                    kc[((n - H) * CTX + pos) * HD + d] = u;
            } else {
                vc[((n - H - KV) * CTX + pos) * HD + d] = qkv[i];
            }
        }
        grid.sync();

        // attention, a block a head
        for (int n = blockIdx.x; n < H; n += gridDim.x) {
            const half root = __float2half_rn(scale);
            const half* keys = kc + n / (H / KV) * CTX * HD;
            const half* values = vc + n / (H / KV) * CTX * HD;
            float best = -INFINITY;
            for (int p = threadIdx.x; p <= pos; p += THREADS) {
                float s = 0.0f;
                for (int d = 0; d < HD; ++d)
                    s = __fmaf_rn(__half2float(__hmul_rn(query[n * HD + d], root)),  // <- equal
                                  __half2float(__hmul_rn(keys[p * HD + d], root)), s);
                s = __half2float(__float2half_rn(s));
                score[p] = s;
                best = fmaxf(best, s);
            }
            best = warp_max(best);
            if (lane == 0)
                partial[warp] = best;
            __syncthreads();
            for (int k = 0; k < WARPS; ++k)
                best = fmaxf(best, partial[k]);
            __syncthreads();
            float sum = 0.0f;
            for (int p = threadIdx.x; p <= pos; p += THREADS) {
                const float e = expf(__fsub_rn(score[p], best));
                score[p] = e;
                sum = __fadd_rn(sum, e);
            }
            sum = warp_sum(sum);
            if (lane == 0)
                partial[warp] = sum;
            __syncthreads();
            float total = 0.0f;
            for (int k = 0; k < WARPS; ++k)
                total = __fadd_rn(total, partial[k]);
            for (int d = threadIdx.x; d < HD; d += THREADS) {
                float mix = 0.0f;
                for (int p = 0; p <= pos; ++p) {
                    const half e = __float2half_rn(__fdiv_rn(score[p], total));
                    mix = __fmaf_rn(__half2float(__hisnan(e) ? __float2half_rn(0.0f) : e),
                                    __half2float(values[p * HD + d]), mix);
                }
                mixed[n * HD + d] = __float2half_rn(mix);
            }
            __syncthreads();
        }
        grid.sync();

        for (int r = first; r < D; r += step) {
            const float s = dot(wo + (size_t)r * D, mixed, D, lane);
            if (lane == 0)
                x[r] = __hadd_rn(x[r], __float2half_rn(s));
        }
        grid.sync();

        // gated MLP
        rms_norm(x, gains + D, normed, partial);
        for (int r = first; r < F; r += step) {
            const float g = dot(wu + (size_t)r * D, normed, D, lane);
            const float u = dot(wg + (size_t)r * D, normed, D, lane);
            if (lane == 0) {
                const half gate = __float2half_rn(g);
                const half open = __float2half_rn(__fdiv_rn(1.0f, __fadd_rn(1.0f, expf(-__half2float(gate)))));
                hidden[r] = __hmul_rn(__hmul_rn(gate, open), __float2half_rn(u));  // <- equal
            }
        }
        grid.sync();

        for (int r = first; r < D; r += step) {
            const float s = dot(wd + (size_t)r * F, hidden, F, lane);
            if (lane == 0)
                x[r] = __hadd_rn(x[r], __float2half_rn(s));
        }
        grid.sync();
    }

    rms_norm(x, gain, normed, partial);
    for (int r = first; r < V; r += step) {
        const float s = dot(head + (size_t)r * D, normed, D, lane);
        if (lane == 0)
            logits[r] = __float2half_rn(s);
    }
}
