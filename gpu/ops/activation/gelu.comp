#version 460
//morton:variant gelu
//morton:variant gelu_grad -DGRAD
#include "morton.glsl"
#include "activate.glsl"
#include "pairs.glsl"

// One workgroup takes U·W pairs of a flat tensor of n elements, P the normal
// distribution function and N its density:
//   out = x·P(x)
//   GRAD: dx = dout·(P(x) + x·N(x))
// or, with TANH, P(x) replaced by s = 1/(1 + exp(-2u)) = (1 + tanh(u))/2,
// u = sqrt(2/pi)·(x + 0.044715·x³). A lane reads what it then writes, so out may
// be x and dx may be x or dout.
//
// P comes from Abramowitz and Stegun, formula 7.1.26, whose erf is within 1.5e-7
// (5e-7 with f32's rounding, of which P has half).

layout(constant_id = 2) const uint TANH = 0;
const uint U = 16;

layout(push_constant, scalar) uniform Push {
#ifdef GRAD
  uint64_t x, dout, dx;
#else
  uint64_t x, out_;
#endif
  uint n;
} p;

float activate(float x, float d) {
  float P, slope;
  if (TANH != 0) logistic(x, P, slope);
  else normal(x, P, slope);
#ifdef GRAD
  return d * (P + slope);
#else
  return x * P;
#endif
}

void main() {
  uint first = group() * U * W + LANE, pairs = (p.n + 1) / 2;
  for (uint u = 0; u < U; u++) {
    uint i = first + u * W;
    if (i >= pairs) break;
    vec2 x = load2(p.x, i, p.n), d = vec2(0);
#ifdef GRAD
    d = load2(p.dout, i, p.n);
    store2(p.dx, i, p.n, vec2(activate(x.x, d.x), activate(x.y, d.y)));
#else
    store2(p.out_, i, p.n, vec2(activate(x.x, d.x), activate(x.y, d.y)));
#endif
  }
}
