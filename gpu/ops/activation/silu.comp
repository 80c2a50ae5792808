#version 460
//morton:variant silu
//morton:variant silu_grad -DGRAD
#include "morton.glsl"
#include "pairs.glsl"

// One workgroup takes U·W pairs of a flat tensor of n elements; with s = 1/(1 + exp(-x)):
//   out = x·s
//   GRAD: dx = dout·s·(1 + x·(1 - s))
// A lane reads what it then writes, so out may be x and dx may be x or dout. exp is
// the device's: its relative error is (3 + 2|x|)·2^-23.

const uint U = 16;

layout(push_constant, scalar) uniform Push {
#ifdef GRAD
  uint64_t x, dout, dx;
#else
  uint64_t x, out_;
#endif
  uint n;
} p;

void main() {
  uint first = group() * U * W + LANE, pairs = (p.n + 1) / 2;
  for (uint u = 0; u < U; u++) {
    uint i = first + u * W;
    if (i >= pairs) break;
    vec2 x = load2(p.x, i, p.n), e = exp(min(-x, 80)), s = 1 / (1 + e);
#ifdef GRAD
    vec2 d = load2(p.dout, i, p.n), slope = s * (1 + x * (e * s));
    store2(p.dx, i, p.n, d * slope);
#else
    store2(p.out_, i, p.n, x * s);
#endif
  }
}
