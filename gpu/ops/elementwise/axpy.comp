#version 460
//morton:variant add -DADD
//morton:variant scale -DSCALE
#include "morton.glsl"
#include "pairs.glsl"

// One workgroup takes U·W pairs of flat tensors of n elements:
//   ADD:   out = a + by·b
//   SCALE: out = by·a
// A lane reads what it then writes, so out may be a or b.

const uint U = 16;

layout(push_constant, scalar) uniform Push {
#ifdef ADD
  uint64_t a, b, out_;
#else
  uint64_t a, out_;
#endif
  uint n;
  float by;
} p;

void main() {
  uint first = group() * U * W + LANE, pairs = (p.n + 1) / 2;
  for (uint u = 0; u < U; u++) {
    uint i = first + u * W;
    if (i >= pairs) break;
#ifdef ADD
    store2(p.out_, i, p.n, load2(p.a, i, p.n) + p.by * load2(p.b, i, p.n));
#else
    store2(p.out_, i, p.n, p.by * load2(p.a, i, p.n));
#endif
  }
}
