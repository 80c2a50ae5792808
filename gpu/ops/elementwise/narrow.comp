#version 460
//morton:variant narrow
//morton:variant widen -DWIDEN
#include "morton.glsl"
#include "pairs.glsl"
#include "narrow.glsl"

// One workgroup takes U·W pairs of x [n] to out [n], n even, and rounds floats to
// 2-byte elements; with WIDEN it turns these into floats, which is exact.

layout(constant_id = 2) const uint KIND = NARROW_BF16;
const uint U = 16;

layout(push_constant, scalar) uniform Push {
  uint64_t x, out_;
  uint n;
} p;

void main() {
  uint first = group() * U * W + LANE;
  for (uint u = 0; u < U; u++) {
    uint i = first + u * W;
    if (i >= p.n / 2) break;
#ifdef WIDEN
    store2(p.out_, i, p.n, widen(U32(p.x).v[i], KIND));
#else
    U32(p.out_).v[i] = narrow(load2(p.x, i, p.n), KIND);
#endif
  }
}
