#version 460
//morton:variant coop
//morton:glslc 2025.2
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#include "morton.glsl"
#include "product.glsl"
layout(local_size_y_id = 5) in; // SM·SN subgroups

// For devices with cooperative matrices: one workgroup of 2 by 2 subgroups computes
// ROWS by COLS of the product that outer.comp describes, from A and B in f16. Both are
// staged in shared memory, KS steps of k at a time, with zeros past K; a subgroup
// keeps RM by RN matrices of CM by CN sums in f32, which take CK steps at once.
//
// A and C are f32 or, beside a B of f16, f16 too. An f32 operand is rounded to f16 on
// its way, multiplied by a power of two for each row of A and each column of B(k, n)
// that brings the largest finite magnitude there to [2^14, 2^15): nothing overflows,
// and the sum is multiplied back exactly.
// So an element x counts as one within 2^-11·|x| + 2^-39·max|x|, the maximum over
// k; 2^-28 where the device takes subnormal numbers of f16 for zero.
//
// The order of a sum is the device's, and a function of k: the bits of a row of C do
// not depend on m, nor on the tile.

layout(constant_id = 5) const uint SUBGROUPS = 4;
layout(constant_id = 6) const uint CM = 16;
layout(constant_id = 7) const uint CN = 16;
layout(constant_id = 8) const uint CK = 16;
layout(constant_id = 9) const uint RM = 2;
layout(constant_id = 10) const uint RN = 2;

const uint KS = 32, PAD = 8, SN = 2, SM = SUBGROUPS / SN, THREADS = SUBGROUPS * W;
const uint ROWS = SM * RM * CM, COLS = SN * RN * CN;
const uint RC = GATED ? RN / 2 : RN, CCOLS = SN * RC * CN; // of C; the rest of B's columns are of up
const bool AK = LAYOUT != TN, BK = LAYOUT == NT;       // neighbours in memory are steps of k

// A's part and B's, as lines of what are neighbours in memory, each PAD longer: a
// line begins at 16 bytes, and not where the one before it does in the banks.
shared f16vec2 tiles[(ROWS + COLS) * (KS + PAD) / 2];
shared uint tops[ROWS + COLS]; // of a row of A, a column of B: its largest magnitude, then its scale's exponent + 127
shared float rs[ROWS], sums[SUBGROUPS * RN / RC * CM * CN];

uint64_t pa, pb;
uint row0, col0, self, K;

#define ACCUMULATOR coopmat<float, gl_ScopeSubgroup, CM, CN, gl_MatrixUseAccumulator>

bool kFirst(bool b) { return b ? BK : AK; }
bool halves(bool b) { return b ? WEIGHT == WF16 : AHALF; }

// weightColumn is the column of B that column j of the tile stands for.
uint weightColumn(uint j) {
  uint block = j / CN, c = block % RN;
  return min(col0 + (block / RN * RC + c % RC) * CN + j % CN, p.N - 1) + c / RC * p.N;
}

// place is where the pair from row i of the tile and step k on lies: of steps, or of rows.
uint64_t place(bool b, uint i, uint k) {
  uint row = b ? weightColumn(i) : min(row0 + i, p.M - 1), ld = b ? p.ldb : p.lda;
  uint64_t e = kFirst(b) ? uint64_t(row) * ld + k : uint64_t(k) * ld + (row & ~1u);
  return (b ? pb : pa) + (halves(b) ? 2ul : 4ul) * e;
}

vec2 pair(bool b, uint i, uint k) {
  vec2 x = floats(F32x2(place(b, i, k)).v[0]);
  if (kFirst(b) && k + 1 == K) x.y = 0;
  return x;
}

uvec2 magnitude(vec2 x) {
  uvec2 u = floatBitsToUint(x) & 0x7fffffffu;
  return mix(u, uvec2(0), greaterThanEqual(u, uvec2(0x7f800000u)));
}

// measure finds the largest finite magnitude of each of the t rows in all of K.
void measure(bool b, uint t, uint first) {
  if (kFirst(b)) {
    for (uint i = gl_SubgroupID; i < t; i += SUBGROUPS) {
      uvec2 top = uvec2(0);
      for (uint k = 2 * LANE; k < K; k += 2 * W) top = max(top, magnitude(pair(b, i, k)));
      uint m = subgroupMax(max(top.x, top.y));
      if (LANE == 0) tops[first + i] = m;
    }
    return;
  }
  uint parts = max(2 * THREADS / t, 1);
  for (uint j = self; j < t / 2 * parts; j += THREADS) {
    uint i = j % (t / 2) * 2;
    uvec2 top = uvec2(0);
    for (uint k = j / (t / 2); k < K; k += parts) top = max(top, magnitude(pair(b, i, k)));
    atomicMax(tops[first + i], top.x);
    atomicMax(tops[first + i + 1], top.y);
  }
}

// exponent is that of the power of two, plus 127: both it and its inverse are normal.
uint exponent(uint top) { return clamp(127 + 14 + 127 - (top >> 23), 14u, 253u); }
float power(uint exponent) { return uintBitsToFloat(exponent << 23); }

// unscaled multiplies a sum of row i and column j by the inverse of both powers, in
// two steps since one factor may lie outside of f32.
float unscaled(float sum, uint i, uint j) {
  int e = 254 - int(tops[i]) - int(tops[ROWS + j]);
  precise float x = sum * power(127 + e / 2) * power(127 + e - e / 2);
  return x;
}

void stage(bool b, uint t, uint first, uint k0) {
  uint line = kFirst(b) ? KS : t; // its length
  for (uint j = self; j < t * KS / 2; j += THREADS) {
    uint at = j / (line / 2), across = j % (line / 2) * 2, i = kFirst(b) ? at : across, k = k0 + (kFirst(b) ? across : at);
    uint word = 0;
    if (k < K) {
      if (halves(b)) word = U32(place(b, i, k)).v[0] & (kFirst(b) && k + 1 == K ? 0xffffu : ~0u);
      else word = narrow(pair(b, i, k) * vec2(power(tops[first + i]), power(tops[first + (kFirst(b) ? i : i + 1)])), NARROW_F16);
    }
    tiles[(first * (KS + PAD) + at * (line + PAD) + across) / 2] = unpackFloat2x16(word);
  }
}

void main() {
  uint z = gl_WorkGroupID.z, zo = z / p.inner, zi = z % p.inner;
  pa = p.a + ASIZE * (uint64_t(zo) * p.sao + uint64_t(zi) * p.sai);
  pb = p.b + BSIZE * (uint64_t(zo) * p.sbo + uint64_t(zi) * p.sbi);
  uint64_t pc = p.c + CSIZE * (uint64_t(zo) * p.sco + uint64_t(zi) * p.sci);
  K = SPLIT ? min(p.K, p.kall - z * p.K) : p.K;
  row0 = gl_WorkGroupID.y * ROWS, col0 = gl_WorkGroupID.x * CCOLS;
  self = gl_SubgroupID * W + LANE;

  for (uint i = self; i < ROWS + COLS; i += THREADS) tops[i] = 0;
  barrier();
  if (!halves(false)) measure(false, ROWS, 0);
  if (!halves(true)) measure(true, COLS, ROWS);
  if (NORM) {
    for (uint i = gl_SubgroupID; i < ROWS; i += SUBGROUPS) {
      float r = rstd(pa + 4ul * uint64_t(min(row0 + i, p.M - 1)) * p.lda);
      if (LANE == 0) rs[i] = r;
    }
  }
  barrier();
  for (uint i = self; i < ROWS + COLS; i += THREADS) tops[i] = halves(i >= ROWS) ? 127 : exponent(tops[i]);

  uint sm = gl_SubgroupID / SN, sn = gl_SubgroupID % SN;
  const uint aline = (AK ? KS : ROWS) + PAD, bline = (BK ? KS : COLS) + PAD;
  ACCUMULATOR acc[RM * RN];
  EACH(uint i = 0; i < RM * RN; i++) acc[i] = ACCUMULATOR(0);
  for (uint k0 = 0; k0 < K; k0 += KS) {
    barrier(); // nobody reads the tiles any more
    stage(false, ROWS, 0, k0);
    stage(true, COLS, ROWS, k0);
    barrier();
    for (uint k = 0; k < KS; k += CK) {
      coopmat<float16_t, gl_ScopeSubgroup, CM, CK, gl_MatrixUseA> a[RM];
      EACH(uint i = 0; i < RM; i++) {
        uint at = (sm * RM + i) * CM * (AK ? aline : 1) + k * (AK ? 1 : aline);
        coopMatLoad(a[i], tiles, at / 2, aline / 2, AK ? gl_CooperativeMatrixLayoutRowMajor : gl_CooperativeMatrixLayoutColumnMajor);
      }
      EACH(uint j = 0; j < RN; j++) {
        coopmat<float16_t, gl_ScopeSubgroup, CK, CN, gl_MatrixUseB> b;
        uint at = ROWS * (KS + PAD) + (sn * RN + j) * CN * (BK ? bline : 1) + k * (BK ? 1 : bline);
        coopMatLoad(b, tiles, at / 2, bline / 2, BK ? gl_CooperativeMatrixLayoutColumnMajor : gl_CooperativeMatrixLayoutRowMajor);
        EACH(uint i = 0; i < RM; i++) acc[i * RN + j] = coopMatMulAdd(a[i], b, acc[i * RN + j]);
      }
    }
  }

  // A subgroup's matrices go through shared memory one by one, as only there a lane
  // knows which element is which.
  uint own = gl_SubgroupID * (RN / RC) * CM * CN;
  const uint CE = CHALF ? 2 : 1; // elements that are stored together
  EACH(uint i = 0; i < RM; i++) EACH(uint j = 0; j < RC; j++) {
    barrier();
    coopMatStore(acc[i * RN + j], sums, own, CN, gl_CooperativeMatrixLayoutRowMajor);
    if (GATED) coopMatStore(acc[i * RN + RC + j], sums, own + CM * CN, CN, gl_CooperativeMatrixLayoutRowMajor);
    barrier();
    for (uint e = CE * LANE; e < CM * CN; e += CE * W) {
      uint mi = (sm * RM + i) * CM + e / CN, m = row0 + mi, n = col0 + (sn * RC + j) * CN + e % CN;
      if (m < p.M && n < p.N) {
        uint ni = (sn * RN + j) * CN + e % CN;
        float r = NORM ? rs[mi] : 1;
        vec2 x;
        EACH(uint c = 0; c < CE; c++) {
          float up = GATED ? scaled(unscaled(sums[own + CM * CN + e + c], mi, ni + RC * CN + c), r, n + p.N + c) : 0;
          x[c] = epilogue(scaled(unscaled(sums[own + e + c], mi, ni + c), r, n + c), up);
        }
        if (CHALF) storePair(pc, m, n, x);
        else store(pc, m, n, x.x);
      }
    }
  }
}
