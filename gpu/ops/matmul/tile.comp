#version 460
//morton:variant tile
#include "morton.glsl"
#include "product.glsl"
layout(local_size_y_id = 5) in; // 256/W subgroups

// For GPUs: one workgroup of 256 invocations computes ROWS rows by COLS columns of the
// product that outer.comp describes, both operands staged in shared memory, KS steps of
// k at a time, while the next are on their way; each invocation has ROWS/16 rows by 4
// columns. Every sum adds in the order of few.comp, by the same operations: the bits of
// a row are those it has there.

layout(constant_id = 6) const uint ROWS = 64; // or 128

const uint COLS = 64, KS = 16;           // KS is few.comp's CHUNK of floats
const uint QM = ROWS / 64, R = 4 * QM;   // quads of rows, and rows, of an invocation
const uint NA = ROWS * KS / 512, NB = COLS * KS / 512; // pairs that an invocation stages
const uint TC = GATED ? COLS / 2 : COLS;   // columns of C; the rest of B's are of up
shared vec4 as[KS][ROWS / 4 + 1];
shared vec2 bs[KS][COLS / 2 + 1];
shared float scales[COLS], rs[ROWS];

uint64_t pa, pb;
uint row0, col0, self, K;
vec2 nextA[NA], nextB[NB];
uvec2 nextInts;
float nextScale;

uint weightColumn(uint j) { return min(col0 + j % TC, p.N - 1) + j / TC * p.N; }

// Pair t of a tile: its line, a row or else a step of k, and the first of its two in it.
uvec2 alongK(uint t) { return uvec2(t / (KS / 2), t % (KS / 2) * 2); }
uvec2 along(uint t, uint n) { return uvec2(t / (n / 2), t % (n / 2) * 2); }

// load takes elements i and i + 1, i even, of which the second counts if two.
vec2 load(uint64_t first, uint64_t i, bool half_, bool two) {
  vec2 v = half_ ? pair(first + 2ul * i) : floats(F32x2(first + 4ul * i).v[0]);
  return two ? v : vec2(v.x, 0);
}

// ask loads what an invocation stages of the steps from k0 on, with zeros past K.
void ask(uint k0) {
  EACH(uint i = 0; i < NA; i++) {
    uint t = self + 256 * i;
    uvec2 at = LAYOUT == TN ? along(t, ROWS) : alongK(t);
    uint k = k0 + (LAYOUT == TN ? at.x : at.y);
    nextA[i] = vec2(0);
    if (k < K && LAYOUT == TN) nextA[i] = load(pa, uint64_t(k) * p.lda + min(row0 + at.y, p.M - 1 & ~1u), AHALF, true);
    if (k < K && LAYOUT != TN) nextA[i] = load(pa, uint64_t(min(row0 + at.x, p.M - 1)) * p.lda + k, AHALF, k + 1 < K);
  }
  if (QUANT) { // K is a multiple of GROUP
    if (self < COLS * KS / KB) nextInts = weightWord(weightRow(pb, weightColumn(self % COLS)), k0 / KB + self / COLS);
    if (k0 % GROUP == 0 && self < COLS) nextScale = groupScale(scaleRow(weightColumn(self)), k0 / GROUP);
    return;
  }
  EACH(uint i = 0; i < NB; i++) {
    uint t = self + 256 * i;
    uvec2 at = LAYOUT == NT ? alongK(t) : along(t, COLS);
    uint k = k0 + (LAYOUT == NT ? at.y : at.x);
    nextB[i] = vec2(0);
    if (k < K && LAYOUT == NT) nextB[i] = load(pb, uint64_t(weightColumn(at.x)) * p.ldb + k, WEIGHT != WF32, true);
    if (k < K && LAYOUT != NT) nextB[i] = load(pb, uint64_t(k) * p.ldb + min(col0 + at.y, p.N - 1 & ~1u), WEIGHT != WF32, true);
  }
}

void putA(uint k, uint m, float x) { as[k][m / 4][m % 4] = x; }
void putB(uint k, uint n, float x) { bs[k][n / 2][n % 2] = x; }

void stage(uint k0) {
  EACH(uint i = 0; i < NA; i++) {
    uint t = self + 256 * i;
    uvec2 at = LAYOUT == TN ? along(t, ROWS) : alongK(t);
    if (LAYOUT == TN) {
      putA(at.x, at.y, nextA[i].x);
      putA(at.x, at.y + 1, nextA[i].y);
    } else {
      putA(at.y, at.x, nextA[i].x);
      putA(at.y + 1, at.x, nextA[i].y);
    }
  }
  if (QUANT) {
    if (self < COLS * KS / KB) EACH(uint e = 0; e < KB; e++) putB(self / COLS * KB + e, self % COLS, weight(nextInts, e));
    if (k0 % GROUP == 0 && self < COLS) scales[self] = nextScale;
    return;
  }
  EACH(uint i = 0; i < NB; i++) {
    uint t = self + 256 * i;
    uvec2 at = LAYOUT == NT ? alongK(t) : along(t, COLS);
    if (LAYOUT == NT) {
      putB(at.y, at.x, nextB[i].x);
      putB(at.y + 1, at.x, nextB[i].y);
    } else bs[at.x][at.y / 2] = nextB[i];
  }
}

// An invocation's rows and columns of the tile: quads of rows 64 apart, and two pairs of
// columns half a tile apart, which are those of gate and of up.
uint row(uint ty, uint i) { return i / 4 * 64 + ty * 4 + i % 4; }
uint column(uint tx, uint j) { return j / 2 * (COLS / 2) + tx * 2 + j % 2; }

void main() {
  uint z = gl_WorkGroupID.z, zo = z / p.inner, zi = z % p.inner;
  pa = p.a + ASIZE * (uint64_t(zo) * p.sao + uint64_t(zi) * p.sai);
  pb = p.b + BSIZE * (uint64_t(zo) * p.sbo + uint64_t(zi) * p.sbi);
  uint64_t pc = p.c + CSIZE * (uint64_t(zo) * p.sco + uint64_t(zi) * p.sci);
  K = SPLIT ? min(p.K, p.kall - z * p.K) : p.K;
  row0 = gl_WorkGroupID.y * ROWS, col0 = gl_WorkGroupID.x * TC;
  self = gl_LocalInvocationIndex;
  ask(0);
  if (NORM) {
    for (uint m = gl_SubgroupID; m < ROWS; m += gl_NumSubgroups) {
      float s = rstd(pa + 4ul * uint64_t(min(row0 + m, p.M - 1)) * p.lda);
      if (LANE == 0) rs[m] = s;
    }
  }

  uint tx = self % 16, ty = self / 16;
  float acc[R][4], total[R][4];
  EACH(uint i = 0; i < R; i++) EACH(uint j = 0; j < 4; j++) acc[i][j] = total[i][j] = 0;
  for (uint k0 = 0; k0 < K; k0 += KS) {
    barrier();
    stage(k0);
    if (k0 + KS < K) ask(k0 + KS);
    barrier();
    EACH(uint k = 0; k < KS; k++) {
      vec4 b = vec4(bs[k][tx], bs[k][COLS / 4 + tx]);
      EACH(uint g = 0; g < QM; g++) {
        vec4 a = as[k][16 * g + ty];
        EACH(uint i = 0; i < 4; i++) EACH(uint j = 0; j < 4; j++) acc[4 * g + i][j] = fma(a[i], b[j], acc[4 * g + i][j]);
      }
    }
    if (!QUANT || (k0 + KS) % GROUP == 0) {
      EACH(uint j = 0; j < 4; j++) EACH(uint i = 0; i < R; i++) {
        if (QUANT) total[i][j] = fma(scales[column(tx, j)], acc[i][j], total[i][j]);
        else total[i][j] += acc[i][j];
        acc[i][j] = 0;
      }
    }
  }

  EACH(uint i = 0; i < R; i++) {
    uint m = row0 + row(ty, i);
    float r = NORM ? rs[row(ty, i)] : 1;
    EACH(uint h = 0; h < (GATED ? 1 : 2); h++) {
      vec2 x;
      EACH(uint e = 0; e < 2; e++) {
        uint n = col0 + column(tx, 2 * h + e);
        if (m < p.M && n < p.N) {
          float up = GATED ? scaled(total[i][2 + e], r, n + p.N) : 0;
          x[e] = epilogue(scaled(total[i][2 * h + e], r, n), up);
          if (!CHALF) store(pc, m, n, x[e]);
          else if (e == 1) storePair(pc, m, n - 1, x);
        }
      }
    }
  }
}
