#version 460
//morton:variant rms_gain -DRMS
//morton:variant layer_gain -DLAYER
//morton:variant gate_gain -DGATE
#include "morton.glsl"
#include "pairs.glsl"
#include "rows.glsl"

// One workgroup sums one block of rows of one block of 2·W columns, in the order
// of rows; the blocks' sums are added afterwards by elementwise.ColumnSum:
//   dgain[b, c] = sum_r dout[r, c]·(x[r, c] - mean[r])·rstd[r]
//   dbias[b, c] = sum_r dout[r, c]   (LAYER)
// GATE leaves mean and rstd out. The grid is [column blocks, row blocks, samples] of
// per rows each, whose blocks lie one after the other; either output is optional.

layout(push_constant, scalar) uniform Push {
  uint64_t x, mean, rstd, dout, dgain, dbias;
  uint n, d, inner, ldx, ldo, height, per;
} p;

void main() {
  uint s = gl_WorkGroupID.z, k = gl_WorkGroupID.y, c = gl_WorkGroupID.x * W + LANE, pairs = (p.d + 1) / 2;
  uint cc = min(c, pairs - 1), first = s * p.per + k * p.height, end = min(first + p.height, (s + 1) * p.per);
  vec2 gain = vec2(0), bias = vec2(0);
  for (uint r = first; r < end; r++) {
    vec2 dy = load2(rowAt(p.dout, r, p.inner, p.d, p.ldo), cc, p.d);
    vec2 x = load2(rowAt(p.x, r, p.inner, p.d, p.ldx), cc, p.d);
#ifdef LAYER
    x -= F32(p.mean).v[r];
    bias += dy;
#endif
#ifdef GATE
    gain += dy * x;
#else
    gain += dy * (x * F32(p.rstd).v[r]);
#endif
  }
  if (c >= pairs) return;
  uint64_t b = uint64_t(s) * gl_NumWorkGroups.y + k;
  if (p.dgain != 0) store2(p.dgain + 4ul * b * p.d, c, p.d, gain);
  if (p.dbias != 0) store2(p.dbias + 4ul * b * p.d, c, p.d, bias);
}
