#version 460
//morton:variant few
#include "morton.glsl"
#include "product.glsl"
layout(local_size_y_id = 5) in; // 256/W subgroups

// For GPUs, few rows, and B of NT: one workgroup of 256 invocations computes ROWS rows
// by COLS columns of the product that outer.comp describes. It stages KC steps of COLS
// rows of B in shared memory, as they lie, and asks for the next while it works on them;
// an invocation takes CHUNK steps of CPT columns, times every PARTS-th row of A.
//
// Every sum adds CHUNK products in the order of k in one accumulator, and the sums of
// the chunks in their order, each scaled first if B is quantized. tile.comp adds in
// the same order: the bits of a row do not depend on which of the two takes it.

layout(constant_id = 6) const uint COLS = 8;
layout(constant_id = 7) const uint ROWS = 8; // a multiple of SOME

const uint SOME = 8;                              // rows that share a pass over the chunks
const uint CHUNK = QUANT ? GROUP : 16;
const uint KC = (WEIGHT == WI4 ? 16384 : WEIGHT == WI8 ? 8192 : 4096) / COLS, CHUNKS = KC / CHUNK;
const uint CPT = COLS < 16 ? 1 : COLS / 8, SIDE = COLS / CPT; // an invocation's columns are SIDE apart
const uint LANES = SIDE * CHUNKS;                 // invocations that share a row
const uint PARTS = LANES < 256 ? 256 / LANES : 1, TURNS = LANES < 256 ? 1 : LANES / 256;
const uint WORDS = CHUNK * (WEIGHT == WF32 ? 4 : WEIGHT < WI8 ? 2 : 1) / (WEIGHT == WI4 ? 8 : 4); // of 32 bits in a chunk
const uint LINE = WORDS + 1;                      // so that the chunks begin in different banks
const uint PAIRS = COLS * CHUNKS * WORDS / 2;     // of words that are staged
const uint OWN = (PAIRS + 255) / 256;             // of them an invocation's
const uint CCOLS = GATED ? COLS / 2 : COLS;       // columns of C; the rest of B's are of up
shared uint bs[COLS * CHUNKS * LINE];
shared float sums[SOME * COLS * (CHUNKS + 1)], rs[ROWS];

uint64_t pa, pb;
uint row0, col0, self;
uvec2 next[OWN];
float x[CHUNK];

uint weightColumn(uint j) { return min(col0 + j % CCOLS, p.N - 1) + j / CCOLS * p.N; }

// Neighbouring invocations take what are neighbours in memory: steps of k, or columns of
// packed B.
uint columnOf(uint t) { return QUANT ? t % COLS : t / (CHUNKS * WORDS / 2); }
uint wordOf(uint t) { return QUANT ? t / COLS : t % (CHUNKS * WORDS / 2); }

// ask loads an invocation's words of the steps from k0 on, with zeros past K.
void ask(uint k0) {
  EACH(uint o = 0; o < OWN; o++) {
    uint t = self + 256 * o, i = wordOf(t), k = k0 + i * KB;
    next[o] = uvec2(0);
    if (t < PAIRS && k < p.K) next[o] = weightWord(weightRow(pb, weightColumn(columnOf(t))), k0 / KB + i);
    if (WEIGHT != WF32 && !QUANT && k + 2 >= p.K) next[o].y = 0;
  }
}

void stage() {
  EACH(uint o = 0; o < OWN; o++) {
    uint t = self + 256 * o, i = 2 * wordOf(t), at = (columnOf(t) * CHUNKS + i / WORDS) * LINE + i % WORDS;
    if (t < PAIRS) {
      bs[at] = next[o].x;
      bs[at + 1] = next[o].y;
    }
  }
}

// stepsOfA leaves CHUNK steps of a row of A from k on in x, with zeros past K.
void stepsOfA(uint m, uint k) {
  uint64_t at = pa + ASIZE * (uint64_t(row0 + m) * p.lda + k);
  EACH(uint i = 0; i < CHUNK; i += KA) {
    vec4 v = vec4(0);
    if (k + i < p.K) v = elements(at + ASIZE * i);
    if (AHALF && k + i + 2 >= p.K) v.zw = vec2(0);
    EACH(uint e = 0; e < KA; e++) x[i + e] = v[e];
  }
}

void main() {
  uint z = gl_WorkGroupID.z, zo = z / p.inner, zi = z % p.inner;
  pa = p.a + ASIZE * (uint64_t(zo) * p.sao + uint64_t(zi) * p.sai);
  pb = p.b + BSIZE * (uint64_t(zo) * p.sbo + uint64_t(zi) * p.sbi);
  uint64_t pc = p.c + CSIZE * (uint64_t(zo) * p.sco + uint64_t(zi) * p.sci);
  row0 = gl_WorkGroupID.y * ROWS, col0 = gl_WorkGroupID.x * CCOLS;
  self = gl_LocalInvocationIndex;
  uint rows = min(ROWS, p.M - row0);
  ask(0);
  if (NORM) {
    for (uint m = gl_SubgroupID; m < rows; m += gl_NumSubgroups) {
      float s = rstd(pa + 4ul * uint64_t(row0 + m) * p.lda);
      if (LANE == 0) rs[m] = s;
    }
  }

  uint oj = self % COLS, om = self / COLS; // whose sums an invocation adds up
  uint64_t scales = QUANT ? scaleRow(weightColumn(oj)) : 0;
  float total[ROWS / SOME], b[CPT * CHUNK];
  EACH(uint g = 0; g < ROWS / SOME; g++) total[g] = 0;
  for (uint k0 = 0; k0 < p.K; k0 += KC) {
    barrier();
    stage();
    if (k0 + KC < p.K) ask(k0 + KC);
    barrier();
    EACH(uint g = 0; g < ROWS / SOME; g++) {
      if (g * SOME < rows) {
        uint end = min(SOME, rows - g * SOME);
        EACH(uint turn = 0; turn < TURNS; turn++) {
          uint id = self + 256 * turn, q = id % CHUNKS, j = id / CHUNKS % SIDE, part = id / LANES; // a chunk of a column
          if (g == 0 || TURNS > 1) EACH(uint c = 0; c < CPT; c++) {
            uint at = ((j + c * SIDE) * CHUNKS + q) * LINE;
            EACH(uint i = 0; i < CHUNK; i += KB) {
              uvec2 w = uvec2(bs[at + i * WORDS / CHUNK], bs[at + i * WORDS / CHUNK + 1]);
              EACH(uint e = 0; e < KB; e++) b[c * CHUNK + i + e] = weight(w, e);
            }
          }
          for (uint m = part; m < end; m += PARTS) {
            stepsOfA(g * SOME + m, k0 + q * CHUNK);
            EACH(uint c = 0; c < CPT; c++) {
              float acc = 0;
              EACH(uint i = 0; i < CHUNK; i++) acc = fma(x[i], b[c * CHUNK + i], acc);
              sums[(m * COLS + j + c * SIDE) * (CHUNKS + 1) + q] = acc;
            }
          }
        }
        barrier();
        if (om < end) {
          // The chunks past K add zeros.
          EACH(uint c = 0; c < CHUNKS; c++) {
            float sum = sums[self * (CHUNKS + 1) + c];
            if (QUANT) total[g] = fma(groupScale(scales, min(k0 / GROUP + c, p.K / GROUP - 1)), sum, total[g]);
            else total[g] += sum;
          }
        }
        barrier();
      }
    }
  }

  // Columns that are stored together meet in shared memory.
  EACH(uint g = 0; g < ROWS / SOME; g++) {
    uint m = g * SOME + om;
    if (om < SOME) sums[self] = total[g];
    barrier();
    if (om < SOME && m < rows && oj < CCOLS && col0 + oj < p.N) {
      float r = NORM ? rs[m] : 1;
      vec2 y = vec2(0);
      for (uint e = 0; e < (CHALF ? 2 : 1); e++) {
        float up = GATED ? scaled(sums[self + CCOLS + e], r, col0 + oj + e + p.N) : 0;
        y[e] = epilogue(scaled(sums[self + e], r, col0 + oj + e), up);
      }
      if (!CHALF) store(pc, row0 + m, col0 + oj, y.x);
      else if (oj % 2 == 0) storePair(pc, row0 + m, col0 + oj, y);
    }
    barrier();
  }
}
