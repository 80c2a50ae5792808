#version 460
//morton:variant outer
//morton:variant outer_types16 -DTYPES16
#include "morton.glsl"
#include "product.glsl"

// One workgroup, a subgroup, computes TM rows by V·W columns of one product of
// the batch, as sums of outer products:
//
//   C[m, n] = act(alpha · rstd(m) · sum_k A(m, k) · B(k, n) + bias[n])  (+ C[m, n])
//
// A is [M, K] (NT, NN) or [K, M] (TN), f32 or of B's 16 bits; B is [N, K] (NT) of
// any weight type or [K, N] (NN, TN) of floats; C is [M, N], f32 or of B's 16 bits.
// GATED: B is [2N, K], V/2 vectors of gate beside V/2 of up. Lanes span columns.
// For A they span rows and, if there are fewer rows than lanes, steps of k; each
// value is broadcast. All loads are of 64 bits.
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
layout(constant_id = 10) const uint ROWS = 1;  // rows multiplied side by side
layout(constant_id = 11) const bool PHASES = false; // loads and products in basic blocks of their own; VS is V, UNROLL 1
layout(constant_id = 12) const uint BAND = 1;  // tile rows that pass over a column of tiles together

const uint KT = STEP * UNROLL;
const uint RE = LAYOUT == TN ? KA : 1, KE = KA / RE; // rows and steps of k in one load of A
const uint UNITS = TM / RE;                          // lanes that cover TM rows
const uint R = UNITS > W ? UNITS / W : 1;          // loads that cover them
const uint SIDE = UNITS < W ? W / UNITS : 1;       // lanes left over take further steps of k
const uint P = SIDE * KE > KT ? KT / KE : SIDE;
const uint VC = GATED ? V / 2 : V;                 // vectors of columns of C
const uint CE = LAYOUT != NT ? KB : CHALF ? 2 : 1; // columns that a lane owns side by side

uint64_t arow[8], bcol[8], scol[8];
float a[128];
float b[128], acc[192], total[192], rs[8];

// A returns A(i, k0 + k) to all lanes.
float A(uint i, uint k) {
  uint unit = i / RE, s = k / KE;
  float x = a[(s / P * R + unit / W) * KA + (LAYOUT == TN ? i % RE : k % KE)];
  return subgroupBroadcast(x, UNITS < W ? s % P * UNITS + unit : unit % W);
}

void loadA(uint k0) {
  EACH(uint g = 0; g < KT / KE / P; g++) EACH(uint r = 0; r < R; r++) {
    uint64_t k = k0 + g * P * KE;
    vec4 x = elements(arow[r] + ASIZE * (LAYOUT == TN ? k * p.lda : k));
    EACH(uint e = 0; e < KA; e++) a[(g * R + r) * KA + e] = x[e];
  }
}

void loadB(uint k0, uint v0) {
  if (LAYOUT == NT) {
    EACH(uint v = 0; v < VS; v++) EACH(uint c = 0; c < STEP / KB; c++) {
      uvec2 w = weightWord(bcol[v0 + v], k0 / KB + c);
      EACH(uint j = 0; j < KB; j++) b[(v0 + v) * STEP + c * KB + j] = weight(w, j);
    }
  } else {
    EACH(uint v = 0; v < VS / KB; v++) EACH(uint c = 0; c < STEP; c++) {
      uvec2 w = words(bcol[v0 / KB + v] + BSIZE * uint64_t(k0 + c) * p.ldb);
      EACH(uint j = 0; j < KB; j++) b[(v0 + KB * v + j) * STEP + c] = weight(w, j);
    }
  }
}

void multiply(uint s, uint v0) {
  EACH(uint i = 0; i < TM; i += ROWS) EACH(uint u = 0; u < STEP; u++) EACH(uint r = 0; r < ROWS; r++) {
    float x = A(i + r, s * STEP + u);
    EACH(uint v = 0; v < VS; v++) {
      uint j = (i + r) * V + v0 + v;
      acc[j] = fma(x, b[(v0 + v) * STEP + u], acc[j]);
    }
  }
}

// last takes steps k and k+1, or k alone; B of NT is never odd.
void last(uint k, uint part) {
  bool two = k + 1 < (SPLIT ? min(p.K, p.kall - gl_WorkGroupID.z * p.K) : p.K);
  vec4 x[8], y[8]; // RE rows at k and at k+1
  EACH(uint r = 0; r < R; r++) {
    y[r] = vec4(0);
    if (LAYOUT == TN) {
      uint64_t at = arow[r] + ASIZE * ((uint64_t(k) - part) * p.lda);
      x[r] = elements(at);
      if (two) y[r] = elements(at + ASIZE * p.lda);
    } else {
      uint64_t at = arow[r] + ASIZE * (uint64_t(k) - KE * part);
      if (AHALF || two) {
        vec2 both = AHALF ? pair(at) : floats(F32x2(at).v[0]);
        x[r].x = both.x;
        if (two) y[r].x = both.y;
      } else x[r].x = F32(at).v[0];
    }
  }
  vec2 w[8];
  EACH(uint v = 0; v < V; v++) {
    if (LAYOUT != NT) {
      uint64_t at = bcol[v / KB] + BSIZE * uint64_t(k) * p.ldb;
      w[v].x = weight(unpack32(F32x2(at).v[0]), v % KB);
      w[v].y = two ? weight(unpack32(F32x2(at + BSIZE * p.ldb).v[0]), v % KB) : 0;
    } else if (WEIGHT == WF32) w[v] = floats(F32x2(bcol[v] + 4ul * k).v[0]);
    else w[v] = pair(bcol[v] + 2ul * k);
  }
  EACH(uint i = 0; i < TM; i++) {
    uint unit = i / RE, r = unit / W, lane = unit % W;
    float s = subgroupBroadcast(x[r][i % RE], lane), t = subgroupBroadcast(y[r][i % RE], lane);
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
  return col0 + ((v / CE) * W + LANE) * CE + v % CE;
}

// tile numbers the tile of this workgroup. Bands of BAND tile rows follow each other,
// so that a band's rows of A stay in the cache while B passes by once.
uvec2 tile() {
  uvec2 n = gl_NumWorkGroups.xy;
  uint id = gl_WorkGroupID.y * n.x + gl_WorkGroupID.x, y = id / (BAND * n.x) * BAND;
  uint rows = min(BAND, n.y - y), i = id - y * n.x;
  return uvec2(i / rows, y + i % rows);
}

// aligned returns zero, which must be 0 and unknown to the compiler; if ALIGNED, by way
// of an array that stays in memory. The functions lavapipe compiles keep their stack to
// 16 bytes unless they have a variable that wants more: without one, vectors that don't
// fit the registers lie across cache lines, and every use of them takes two accesses.
uint aligned(uint zero) {
  uint x[2] = {zero, LANE};
  return ALIGNED ? x[zero] : zero;
}

void main() {
  uint z = gl_WorkGroupID.z, zo = z / p.inner, zi = z % p.inner;
  uint64_t pa = p.a + ASIZE * (uint64_t(zo) * p.sao + uint64_t(zi) * p.sai);
  uint64_t pb = p.b + BSIZE * (uint64_t(zo) * p.sbo + uint64_t(zi) * p.sbi);
  uint64_t pc = p.c + CSIZE * (uint64_t(zo) * p.sco + uint64_t(zi) * p.sci);
  uint K = SPLIT ? min(p.K, p.kall - z * p.K) : p.K;
  uvec2 t = tile();
  uint row0 = t.y * TM, col0 = t.x * VC * W + aligned(p.K >> 31);
  uint part = UNITS < W ? min(LANE / UNITS, P - 1) : 0;
  EACH(uint i = 0; i < TM * V; i++) { acc[i] = 0; total[i] = 0; }
  EACH(uint r = 0; r < R; r++) {
    uint row = row0 + (UNITS < W ? LANE % UNITS : r * W + LANE) * RE;
    if (LAYOUT == TN) arow[r] = pa + ASIZE * (min(row, p.M - 1 & ~(RE - 1)) + uint64_t(part) * p.lda);
    else arow[r] = pa + ASIZE * (uint64_t(min(row, p.M - 1)) * p.lda + part * KE);
  }
  if (LAYOUT == NT) {
    EACH(uint v = 0; v < V; v++) {
      uint n = min(column(col0, v % VC), p.N - 1) + v / VC * p.N;
      bcol[v] = weightRow(pb, n);
      if (QUANT) scol[v] = scaleRow(n);
    }
  } else {
    EACH(uint v = 0; v < V / KB; v++) bcol[v] = pb + BSIZE * min(column(col0, KB * v), p.N - 1 & ~(KB - 1));
  }
  if (NORM) rowScales(pa, row0);

  // lavapipe runs the body of a loop once more after its end, with every lane
  // masked, unless the end is at the bottom.
  uint k = 0;
  if (KT <= K) do {
    loadA(k);
    if (PHASES) {
      loadB(k, 0);
      do multiply(0, 0); while (p.K >> 31 != 0);
    } else EACH(uint v = 0; v < V / VS; v++) EACH(uint s = 0; s < UNROLL; s++) {
      loadB(k + s * STEP, v * VS);
      multiply(s, v * VS);
    }
    if (QUANT) closeGroup(k / GROUP);
    k += KT;
  } while (k + KT <= K);
  if (!QUANT && k < K) do { // the rest, in the same order of addition
    last(k, part);
    k += 2;
  } while (k < K);

  EACH(uint i = 0; i < TM; i++) {
    float r = NORM ? subgroupBroadcast(rs[i / W], i % W) : 1;
    if (row0 + i < p.M) {
      vec2 x;
      EACH(uint v = 0; v < VC; v++) {
        uint n = column(col0, v), j = i * V + v;
        if (n < p.N) {
          float up = GATED ? scaled(QUANT ? total[j + VC] : acc[j + VC], r, n + p.N) : 0;
          x[v % 2] = epilogue(scaled(QUANT ? total[j] : acc[j], r, n), up);
          if (!CHALF) store(pc, row0 + i, n, x[v % 2]);
          else if (v % 2 == 1) storePair(pc, row0 + i, n - 1, x);
        }
      }
    }
  }
}
