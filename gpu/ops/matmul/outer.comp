#version 460
//morton:variant outer
#include "morton.glsl"
#include "product.glsl"

// One workgroup, a subgroup, computes TM rows by V·W columns of one product of
// the batch, as sums of outer products:
//
//   C[m, n] = act(alpha · rstd(m) · sum_k A(m, k) · B(k, n) + bias[n])  (+ C[m, n])
//
// A is [M, K] (NT, NN) or [K, M] (TN), f32; B is [N, K] (NT) of any weight type
// or [K, N] (NN, TN) f32; C is [M, N] f32. GATED: B is [2N, K], V/2 vectors of
// gate beside V/2 of up. Lanes span columns. For A they span rows and, if there
// are fewer rows than lanes, steps of k; each value is broadcast. All loads are
// of 64 bits.
//
// Every sum adds its products in the order of k, in one f32 accumulator, or,
// quantized, in one for each GROUP that is scaled and added to a second: whatever
// TM, so a row's bits do not depend on how many rows come with it.
//
// The loops below unroll only once the driver knows the constants: one binary
// serves all layouts, types, tiles and widths.

layout(constant_id = 5) const uint TM = 8;
layout(constant_id = 6) const uint V = 4;
layout(constant_id = 7) const uint VS = 4;     // of the V, those taken together
layout(constant_id = 8) const uint STEP = 8;   // k steps loaded before they are multiplied
layout(constant_id = 9) const uint UNROLL = 1; // STEPs in the body of the loop over k

const uint KT = STEP * UNROLL;
const uint RE = LAYOUT == TN ? 2 : 1, KE = 3 - RE; // rows and steps of k in one load of A
const uint UNITS = TM / RE;                        // lanes that cover TM rows
const uint R = UNITS > W ? UNITS / W : 1;          // loads that cover them
const uint SIDE = UNITS < W ? W / UNITS : 1;       // lanes left over take further steps of k
const uint P = SIDE * KE > KT ? KT / KE : SIDE;
const uint VC = GATED ? V / 2 : V;                 // vectors of columns of C

uint64_t arow[8], bcol[8], scol[8];
vec2 a[64];
float b[128], acc[128], total[128], rs[8];

// A returns A(i, k0 + k) to all lanes.
float A(uint i, uint k) {
  uint unit = i / RE, s = k / KE;
  vec2 x = a[s / P * R + unit / W];
  return subgroupBroadcast(x[LAYOUT == TN ? i % 2 : k % 2], UNITS < W ? s % P * UNITS + unit : unit % W);
}

void loadA(uint k0) {
  EACH(uint g = 0; g < KT / KE / P; g++) EACH(uint r = 0; r < R; r++) {
    uint64_t k = k0 + g * P * KE;
    a[g * R + r] = floats(F32x2(arow[r] + 4ul * (LAYOUT == TN ? k * p.lda : k)).v[0]);
  }
}

void loadB(uint k0, uint v0) {
  if (LAYOUT == NT) {
    EACH(uint v = 0; v < VS; v++) EACH(uint c = 0; c < STEP / KB; c++) {
      uvec2 w = weightWord(bcol[v0 + v], k0 / KB + c);
      EACH(uint j = 0; j < KB; j++) b[(v0 + v) * STEP + c * KB + j] = weight(w, j);
    }
  } else { // a lane owns pairs of columns
    EACH(uint v = 0; v < VS / 2; v++) EACH(uint c = 0; c < STEP; c++) {
      vec2 x = floats(F32x2(bcol[v0 / 2 + v] + 4ul * uint64_t(k0 + c) * p.ldb).v[0]);
      b[(v0 + 2 * v) * STEP + c] = x.x;
      b[(v0 + 2 * v + 1) * STEP + c] = x.y;
    }
  }
}

void multiply(uint s, uint v0) {
  EACH(uint i = 0; i < TM; i++) EACH(uint u = 0; u < STEP; u += 2) {
    float x = A(i, s * STEP + u), y = A(i, s * STEP + u + 1);
    EACH(uint v = 0; v < VS; v++) {
      acc[i * V + v0 + v] = fma(y, b[(v0 + v) * STEP + u + 1], fma(x, b[(v0 + v) * STEP + u], acc[i * V + v0 + v]));
    }
  }
}

// last takes steps k and k+1, or k alone; B of NT is never odd.
void last(uint k, uint part) {
  bool two = k + 1 < (SPLIT ? min(p.K, p.kall - gl_WorkGroupID.z * p.K) : p.K);
  vec2 x[8], y[8];
  EACH(uint r = 0; r < R; r++) {
    uint64_t at = arow[r] + 4ul * (LAYOUT == TN ? (uint64_t(k) - part) * p.lda : uint64_t(k) - KE * part);
    y[r] = vec2(0);
    if (LAYOUT == TN) {
      x[r] = floats(F32x2(at).v[0]);
      if (two) y[r] = floats(F32x2(at + 4ul * p.lda).v[0]);
    } else if (two) x[r] = floats(F32x2(at).v[0]);
    else x[r] = vec2(F32(at).v[0], 0);
  }
  vec2 w[8];
  EACH(uint v = 0; v < V; v++) {
    if (LAYOUT != NT) {
      uint64_t at = bcol[v / 2] + 4ul * uint64_t(k) * p.ldb;
      w[v].x = floats(F32x2(at).v[0])[v % 2];
      w[v].y = two ? floats(F32x2(at + 4ul * p.ldb).v[0])[v % 2] : 0;
    } else if (WEIGHT == WF32) w[v] = floats(F32x2(bcol[v] + 4ul * k).v[0]);
    else {
      uvec2 pair = uvec2(U32(bcol[v] + 2ul * k).v[0], 0);
      w[v] = vec2(weight(pair, 0), weight(pair, 1));
    }
  }
  EACH(uint i = 0; i < TM; i++) {
    uint unit = i / RE, r = unit / W, lane = unit % W;
    float s = subgroupBroadcast(LAYOUT == TN ? x[r][i % 2] : x[r].x, lane);
    float t = subgroupBroadcast(LAYOUT == TN ? y[r][i % 2] : x[r].y, lane);
    EACH(uint v = 0; v < V; v++) acc[i * V + v] = fma(t, w[v].y, fma(s, w[v].x, acc[i * V + v]));
  }
}

// closeGroup scales a group's sums and starts the next.
void closeGroup(uint g) {
  EACH(uint v = 0; v < V; v++) {
    float s = groupScale(scol[v], g);
    EACH(uint i = 0; i < TM; i++) {
      total[i * V + v] = fma(s, acc[i * V + v], total[i * V + v]);
      acc[i * V + v] = 0;
    }
  }
}

// rowScales leaves the rstd of row i in rs[i / W] of lane i % W.
void rowScales(uint64_t pa, uint row0) {
  EACH(uint r = 0; r * W < TM; r++) {
    rs[r] = 0;
    for (uint j = 0; j < min(W, TM); j++) {
      float s = rstd(pa + 4ul * uint64_t(min(row0 + r * W + j, p.M - 1)) * p.lda);
      if (LANE == j) rs[r] = s;
    }
  }
}

uint column(uint col0, uint v) {
  return col0 + (LAYOUT == NT ? v * W + LANE : ((v / 2) * W + LANE) * 2 + v % 2);
}

void main() {
  uint z = gl_WorkGroupID.z, zo = z / p.inner, zi = z % p.inner;
  uint64_t pa = p.a + 4ul * (uint64_t(zo) * p.sao + uint64_t(zi) * p.sai);
  uint64_t pb = p.b + (WEIGHT == WF32 ? 4ul : 2ul) * (uint64_t(zo) * p.sbo + uint64_t(zi) * p.sbi);
  uint64_t pc = p.c + 4ul * (uint64_t(zo) * p.sco + uint64_t(zi) * p.sci);
  uint K = SPLIT ? min(p.K, p.kall - z * p.K) : p.K;
  uint row0 = gl_WorkGroupID.y * TM, col0 = gl_WorkGroupID.x * VC * W;
  uint part = UNITS < W ? min(LANE / UNITS, P - 1) : 0;
  EACH(uint i = 0; i < TM * V; i++) { acc[i] = 0; total[i] = 0; }
  EACH(uint r = 0; r < R; r++) {
    uint row = row0 + (UNITS < W ? LANE % UNITS : r * W + LANE) * RE;
    if (LAYOUT == TN) arow[r] = pa + 4ul * (min(row, p.M - 1 & ~1u) + uint64_t(part) * p.lda);
    else arow[r] = pa + 4ul * (uint64_t(min(row, p.M - 1)) * p.lda + part * KE);
  }
  if (LAYOUT == NT) {
    EACH(uint v = 0; v < V; v++) {
      uint n = min(column(col0, v % VC), p.N - 1) + v / VC * p.N;
      bcol[v] = weightRow(pb, n);
      if (QUANT) scol[v] = scaleRow(n);
    }
  } else {
    EACH(uint v = 0; v < V / 2; v++) bcol[v] = pb + 4ul * min(column(col0, 2 * v), p.N - 1 & ~1u);
  }
  if (NORM) rowScales(pa, row0);

  uint k = 0;
  for (; k + KT <= K; k += KT) {
    loadA(k);
    EACH(uint v = 0; v < V / VS; v++) EACH(uint s = 0; s < UNROLL; s++) {
      loadB(k + s * STEP, v * VS);
      multiply(s, v * VS);
    }
    if (QUANT) closeGroup(k / GROUP);
  }
  if (!QUANT) {
    for (; k < K; k += 2) last(k, part); // the rest, in the same order of addition
  }

  EACH(uint i = 0; i < TM; i++) {
    float r = NORM ? subgroupBroadcast(rs[i / W], i % W) : 1;
    if (row0 + i < p.M) {
      EACH(uint v = 0; v < VC; v++) {
        uint n = column(col0, v), j = i * V + v;
        if (n < p.N) {
          float x = scaled(QUANT ? total[j] : acc[j], r, n);
          float up = GATED ? scaled(QUANT ? total[j + VC] : acc[j + VC], r, n + p.N) : 0;
          store(pc, row0 + i, n, x, up);
        }
      }
    }
  }
}
