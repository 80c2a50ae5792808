// What the kernels of the product share: constants, operands, weights, epilogue.
#extension GL_EXT_control_flow_attributes : require
#include "activate.glsl"
#include "half.glsl"
#include "narrow.glsl"

layout(constant_id = 1) const uint LAYOUT = 0; // NT, NN or TN
layout(constant_id = 2) const uint WEIGHT = 0; // the type of B
layout(constant_id = 3) const uint FLAGS = 0;
layout(constant_id = 4) const uint ACT = 0;    // none, SiLU, GELU by tanh, GELU
const uint NT = 0, NN = 1, TN = 2;
const uint WF32 = 0, WF16 = 1, WBF16 = 2, WI8 = 3, WI4 = 4;
const bool BIAS = (FLAGS & 1) != 0, ADD = (FLAGS & 2) != 0, GATED = (FLAGS & 4) != 0;
const bool NORM = (FLAGS & 8) != 0;  // rows are scaled by their rstd
const bool SPLIT = (FLAGS & 16) != 0; // the batch cuts kall into parts of K
const bool AHALF = (FLAGS & 32) != 0, CHALF = (FLAGS & 64) != 0; // A, C have B's type, of 16 bits
const bool PARTED = (FLAGS & 128) != 0; // see words
const bool ALIGNED = (FLAGS & 256) != 0; // lavapipe keeps its stack to cache lines
const bool QUANT = WEIGHT >= WI8;
const uint GROUP = 32;               // steps of k that share a scale
const uint BLOCK = 32;               // rows of packed B that lie interleaved
const uint KB = WEIGHT == WF32 ? 2 : QUANT ? (WEIGHT == WI8 ? 8 : 16) : 4; // weights in 64 bits
const uint KA = AHALF ? 4 : 2;                                             // elements of A in 64 bits
const uint64_t ASIZE = AHALF ? 2 : 4, BSIZE = WEIGHT == WF32 ? 4 : 2, CSIZE = CHALF ? 2 : 4; // bytes; B's if not QUANT

layout(push_constant, scalar) uniform Push {
  uint64_t a, b, scale, bias, c;
  uint M, N, K, lda, ldb, ldc;
  uint inner;                        // batch index z = outer·inner + i
  uint sao, sai, sbo, sbi, sco, sci; // strides in elements, outer and inner
  float alpha, eps;
  uint kall;
} p;

#define EACH [[unroll]] for

// weight returns weight j of the KB in a 64-bit word. Integers: an eight-bit
// one's offset form goes into the mantissa of 2^23, where it is exact.
float weight(uvec2 w, uint j) {
  if (WEIGHT == WF32) return uintBitsToFloat(w[j]);
  if (WEIGHT == WF16) return halfOf(w[j / 2], j % 2, p.K >> 31);
  if (WEIGHT == WBF16) return uintBitsToFloat(j % 2 == 0 ? w[j / 2] << 16 : w[j / 2] & 0xFFFF0000u);
  if (WEIGHT == WI8) return uintBitsToFloat(w[j / 4] >> 8 * (j % 4) & 0xFFu | 0x4B000000u) - 8388736;
  return float(bitfieldExtract(int(w[j / 8]), int(4 * (j % 8)), 4));
}

// words loads 64 bits. Eight lanes of them fill a vector of 512 bits, which on Intel's
// processors closes a port to the vectors of 256 that work on the halves: a zero that
// the compiler can't know makes it part them at once, not where they are used. A few
// rows are not worth the exclusive or.
uvec2 words(uint64_t at) {
  uvec2 w = unpack32(F32x2(at).v[0]);
  return PARTED ? w ^ p.K >> 31 : w;
}

// Elements of A by 64 bits at once, the first KA of them, and by a word, the first two.
vec4 elements(uint64_t at) {
  uvec2 w = words(at);
  if (AHALF) return vec4(weight(w, 0), weight(w, 1), weight(w, 2), weight(w, 3));
  return vec4(uintBitsToFloat(w), 0, 0);
}
vec2 pair(uint64_t at) {
  uvec2 w = uvec2(U32(at).v[0], 0);
  return vec2(weight(w, 0), weight(w, 1));
}

// element is element i of A or of B, of 16 bits if half_, one that words start with being first.
float element(uint64_t first, uint64_t i, bool half_) { return half_ ? pair(first + 4ul * (i / 2))[uint(i % 2)] : F32(first + 4ul * i).v[0]; }

// weightRow is where row n of B lies (NT); its words of KB weights are wordStep
// bytes apart.
uint64_t weightRow(uint64_t b, uint n) {
  if (QUANT) return b + 8ul * (uint64_t(n / BLOCK) * (p.K / KB) * BLOCK + n % BLOCK);
  return b + BSIZE * uint64_t(n) * p.ldb;
}
const uint wordStep = QUANT ? 8 * BLOCK : 8;
uvec2 weightWord(uint64_t row, uint i) { return words(row + uint64_t(wordStep) * i); }

// scaleRow is where the scales of row n lie, 4·BLOCK bytes apart.
uint64_t scaleRow(uint n) { return p.scale + 4ul * (uint64_t(n / BLOCK) * (p.K / GROUP) * BLOCK + n % BLOCK); }
float groupScale(uint64_t row, uint g) { return F32(row + 4ul * BLOCK * g).v[0]; }

// rstd returns 1/sqrt(mean(x²) + eps) of a row of A to all lanes of the
// subgroup, in an order of its own that knows nothing of tiles.
float rstd(uint64_t row) {
  vec2 s = vec2(0);
  for (uint k = 2 * LANE; k < p.K; k += 2 * W) {
    vec2 x = floats(F32x2(row + 4ul * k).v[0]);
    s = fma(x, x, s);
  }
  return 1 / sqrt(subgroupAdd(s.x + s.y) / float(p.K) + p.eps);
}

// scaled applies alpha, rstd and bias to a sum; n is its column of B.
float scaled(float sum, float r, uint n) {
  return fma(NORM ? sum * r : sum, p.alpha, BIAS ? F32(p.bias).v[n] : 0);
}

// epilogue is what becomes of x, and of up if GATED, before they are stored.
float epilogue(float x, float up) {
  if (ACT == 1) x = silu(x);
  if (ACT == 2) x = geluTanh(x);
  if (ACT == 3) x = geluExact(x);
  return GATED ? silu(x) * up : x;
}

// store writes column n of row m of C, in f32; storePair columns n and n + 1, n even, in 16 bits.
void store(uint64_t c, uint m, uint n, float x) {
  F32 out_ = F32(c + 4ul * (uint64_t(m) * p.ldc + n));
  out_.v[0] = ADD ? out_.v[0] + x : x;
}
void storePair(uint64_t c, uint m, uint n, vec2 x) { U32(c + 2ul * (uint64_t(m) * p.ldc + n)).v[0] = narrow(x, WEIGHT); }
