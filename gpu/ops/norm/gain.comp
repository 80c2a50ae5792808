#version 460
//morton:variant rms_gain -DRMS
//morton:variant layer_gain -DLAYER
#include "morton.glsl"
#include "pairs.glsl"
#include "rows.glsl"

// One workgroup sums one block of rows of one block of 2·W columns, in the order
// of rows; the blocks' sums are added afterwards by elementwise.ColumnSum:
//   dgain[b, c] = sum_r dout[r, c]·(x[r, c] - mean[r])·rstd[r]
//   dbias[b, c] = sum_r dout[r, c]   (LAYER)
// The grid is [column blocks, row blocks]; either output is optional.

layout(push_constant, scalar) uniform Push {
  uint64_t x, mean, rstd, dout, dgain, dbias;
  uint n, d, inner, ldx, ldo, height;
} p;

void main() {
  uint b = gl_WorkGroupID.y, c = gl_WorkGroupID.x * W + LANE, pairs = (p.d + 1) / 2;
  uint cc = min(c, pairs - 1), end = min((b + 1) * p.height, p.n);
  vec2 gain = vec2(0), bias = vec2(0);
  for (uint r = b * p.height; r < end; r++) {
    vec2 dy = load2(rowAt(p.dout, r, p.inner, p.d, p.ldo), cc, p.d);
    vec2 x = load2(rowAt(p.x, r, p.inner, p.d, p.ldx), cc, p.d);
#ifdef LAYER
    x -= F32(p.mean).v[r];
    bias += dy;
#endif
    gain += dy * (x * F32(p.rstd).v[r]);
  }
  if (c >= pairs) return;
  if (p.dgain != 0) store2(p.dgain + 4ul * uint64_t(b) * p.d, c, p.d, gain);
  if (p.dbias != 0) store2(p.dbias + 4ul * uint64_t(b) * p.d, c, p.d, bias);
}
