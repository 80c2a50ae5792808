#version 460
//morton:variant relu
#include "morton.glsl"
#include "pairs.glsl"

// One workgroup takes U·W pairs of a flat tensor of n elements:
//   out = x, or 0 where x < 0
// It is exact. A lane reads what it then writes, so out may be x.

const uint U = 16;

layout(push_constant, scalar) uniform Push {
  uint64_t x, out_;
  uint n;
} p;

void main() {
  uint first = group() * U * W + LANE, pairs = (p.n + 1) / 2;
  for (uint u = 0; u < U; u++) {
    uint i = first + u * W;
    if (i >= pairs) break;
    vec2 x = load2(p.x, i, p.n);
    store2(p.out_, i, p.n, vec2(x.x < 0 ? 0 : x.x, x.y < 0 ? 0 : x.y));
  }
}
