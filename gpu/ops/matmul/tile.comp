#version 460
//morton:variant tile
#include "morton.glsl"
#include "product.glsl"
layout(local_size_y_id = 5) in; // 256/W subgroups

// For GPUs, and more rows than outer.comp's tiles have: one workgroup of 256
// invocations computes T by T of the product that outer.comp describes, both
// operands staged in shared memory, KS steps of k at a time; each invocation has
// 4 rows by 4 columns. Every sum adds in the order of few.comp, by the same
// operations: the bits of a row are those it has there.

const uint T = 64, KS = 16; // KS is few.comp's CHUNK of floats
const uint TC = GATED ? T / 2 : T; // columns of C; the rest of B's are of up
shared float as[KS][T + 1], bs[KS][T + 1], scales[T], rs[T];

uint64_t pa, pb;
uint row0, col0, self, K;

uint weightColumn(uint j) { return min(col0 + j % TC, p.N - 1) + j / TC * p.N; }

void stageA(uint k0) {
  for (uint t = self; t < T * KS; t += 256) {
    uint m = LAYOUT == TN ? t % T : t / KS, c = LAYOUT == TN ? t / T : t % KS, k = k0 + c;
    uint row = min(row0 + m, p.M - 1);
    as[c][m] = k < K ? element(pa, LAYOUT == TN ? uint64_t(k) * p.lda + row : uint64_t(row) * p.lda + k, AHALF) : 0;
  }
}

void stageRows(uint k0) { // B of NN and TN
  for (uint t = self; t < T * KS; t += 256) {
    uint k = k0 + t / T;
    bs[t / T][t % T] = k < K ? element(pb, uint64_t(k) * p.ldb + min(col0 + t % T, p.N - 1), WEIGHT != WF32) : 0;
  }
}

void stagePairs(uint k0) { // floats of NT, whose K is even
  for (uint t = self; t < T * KS / 2; t += 256) {
    uint j = t / (KS / 2), c = t % (KS / 2) * 2, k = k0 + c;
    uint64_t row = weightRow(pb, weightColumn(j));
    uvec2 w = uvec2(0);
    if (k < K && WEIGHT == WF32) w = unpack32(F32x2(row + 4ul * k).v[0]);
    if (k < K && WEIGHT != WF32) w.x = U32(row + 2ul * k).v[0];
    bs[c][j] = weight(w, 0);
    bs[c + 1][j] = weight(w, 1);
  }
}

void stageInts(uint k0) { // K is a multiple of GROUP
  for (uint t = self; t < T * KS / KB; t += 256) {
    uint j = t % T, c = t / T;
    uvec2 w = weightWord(weightRow(pb, weightColumn(j)), k0 / KB + c);
    EACH(uint i = 0; i < KB; i++) bs[c * KB + i][j] = weight(w, i);
  }
  if (k0 % GROUP == 0 && self < T) scales[self] = groupScale(scaleRow(weightColumn(self)), k0 / GROUP);
}

// column is an invocation's column j of the tile: 16 apart, or pairs where C is of 16 bits.
uint column(uint tx, uint j) { return CHALF ? (j / 2 * 16 + tx) * 2 + j % 2 : j * 16 + tx; }

void main() {
  uint z = gl_WorkGroupID.z, zo = z / p.inner, zi = z % p.inner;
  pa = p.a + ASIZE * (uint64_t(zo) * p.sao + uint64_t(zi) * p.sai);
  pb = p.b + BSIZE * (uint64_t(zo) * p.sbo + uint64_t(zi) * p.sbi);
  uint64_t pc = p.c + CSIZE * (uint64_t(zo) * p.sco + uint64_t(zi) * p.sci);
  K = SPLIT ? min(p.K, p.kall - z * p.K) : p.K;
  row0 = gl_WorkGroupID.y * T, col0 = gl_WorkGroupID.x * TC;
  self = gl_LocalInvocationIndex;
  if (NORM) {
    for (uint m = gl_SubgroupID; m < T; m += gl_NumSubgroups) {
      float s = rstd(pa + 4ul * uint64_t(min(row0 + m, p.M - 1)) * p.lda);
      if (LANE == 0) rs[m] = s;
    }
  }

  uint tx = self % 16, ty = self / 16; // rows ty + 16·i, columns as in column()
  float acc[4][4], total[4][4];
  EACH(uint i = 0; i < 4; i++) EACH(uint j = 0; j < 4; j++) acc[i][j] = total[i][j] = 0;
  for (uint k0 = 0; k0 < K; k0 += KS) {
    barrier();
    stageA(k0);
    if (LAYOUT != NT) stageRows(k0);
    else if (QUANT) stageInts(k0);
    else stagePairs(k0);
    barrier();
    for (uint k = 0; k < KS; k++) {
      EACH(uint i = 0; i < 4; i++) {
        EACH(uint j = 0; j < 4; j++) acc[i][j] = fma(as[k][ty + 16 * i], bs[k][column(tx, j)], acc[i][j]);
      }
    }
    if (!QUANT || (k0 + KS) % GROUP == 0) {
      EACH(uint j = 0; j < 4; j++) EACH(uint i = 0; i < 4; i++) {
        if (QUANT) total[i][j] = fma(scales[column(tx, j)], acc[i][j], total[i][j]);
        else total[i][j] += acc[i][j];
        acc[i][j] = 0;
      }
    }
  }

  EACH(uint i = 0; i < 4; i++) {
    vec2 x;
    EACH(uint j = 0; j < TC / 16; j++) {
      uint m = row0 + ty + 16 * i, n = col0 + column(tx, j);
      if (m < p.M && n < p.N) {
        float r = NORM ? rs[ty + 16 * i] : 1;
        float up = GATED ? scaled(total[i][j + TC / 16], r, n + p.N) : 0;
        x[j % 2] = epilogue(scaled(total[i][j], r, n), up);
        if (!CHALF) store(pc, m, n, x[j % 2]);
        else if (j % 2 == 1) storePair(pc, m, n - 1, x);
      }
    }
  }
}
