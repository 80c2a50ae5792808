#version 460
//morton:variant swiglu
//morton:variant swiglu_grad -DGRAD
#include "morton.glsl"
#include "pairs.glsl"

// One workgroup takes U·W column pairs of one row, with s = 1/(1 + exp(-gate)):
//   out[r, c] = gate·s·up
//   GRAD: dgate = dout·up·s·(1 + gate·(1 - s)), dup = dout·gate·s
// x and dx are [n, 2h], gate in columns 0..h-1 and up in h..2h-1; out and dout
// [n, h]. A lane reads what it then writes, so dx may be x. exp is the device's:
// its relative error is (3 + 2|gate|)·2^-23.

const uint U = 16;

layout(push_constant, scalar) uniform Push {
#ifdef GRAD
  uint64_t x, dout, dx;
#else
  uint64_t x, out_;
#endif
  uint n, h, blocks;
} p;

void main() {
  uint g = group(), r = g / p.blocks, first = g % p.blocks * U * W + LANE;
  if (r >= p.n) return;
  uint64_t gate = p.x + 8ul * uint64_t(r) * p.h, up = gate + 4ul * p.h;
  uint pairs = (p.h + 1) / 2;
  for (uint u = 0; u < U; u++) {
    uint i = first + u * W;
    if (i >= pairs) break;
    vec2 x = load2(gate, i, p.h), y = load2(up, i, p.h);
    vec2 e = exp(min(-x, 80)), s = 1 / (1 + e);
#ifdef GRAD
    vec2 d = load2(p.dout + 4ul * uint64_t(r) * p.h, i, p.h);
    uint64_t dgate = p.dx + 8ul * uint64_t(r) * p.h;
    store2(dgate, i, p.h, d * y * s * (1 + x * (e * s)));
    store2(dgate + 4ul * p.h, i, p.h, d * x * s);
#else
    store2(p.out_ + 4ul * uint64_t(r) * p.h, i, p.h, x * s * y);
#endif
  }
}
