#version 460
//morton:variant heads
#include "morton.glsl"

// One workgroup does one row of queries and keys, lanes over heads:
//   x[r, h, :] = x[r, h, :] / max(|x[r, h, :]|, eps) · (h < scaled ? scale[h] : 1)
// Rows are ld apart and begin with the heads, of dh columns each. A head's sum of squares
// runs in the order of its columns.

layout(push_constant, scalar) uniform Push {
  uint64_t scale, x;
  uint n, heads, scaled, dh, ld;
  float eps;
} p;

void main() {
  uint r = group();
  if (r >= p.n) return;
  for (uint h = LANE; h < p.heads; h += W) {
    F32 x = F32(p.x + 4ul * (uint64_t(r) * p.ld + h * p.dh));
    float s = 0;
    for (uint c = 0; c < p.dh; c++) s = fma(x.v[c], x.v[c], s);
    float by = 1 / max(sqrt(s), p.eps);
    if (h < p.scaled) by *= F32(p.scale).v[h];
    for (uint c = 0; c < p.dh; c++) x.v[c] *= by;
  }
}
