#version 460
//morton:variant taps
#include "morton.glsl"

// One workgroup moves the weights of one tap from one channel to all cin, a lane a
// pair: out[tap, co, :] = w[co, tap, :], of [cout, taps, cin].

layout(push_constant, scalar) uniform Push {
  uint64_t w, out_;
  uint taps, cin, cout;
} p;

void main() {
  uint row = group(), tap = row / p.cout, co = row % p.cout;
  if (tap >= p.taps) return;
  uint64_t from = p.w + 4ul * (uint64_t(co) * p.taps + tap) * p.cin, to = p.out_ + 4ul * uint64_t(row) * p.cin;
  for (uint i = LANE; i < p.cin / 2; i += W) F32x2(to).v[i] = F32x2(from).v[i];
}
