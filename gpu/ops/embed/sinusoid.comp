#version 460
//morton:variant sinusoid
#include "morton.glsl"
#include "sincos.glsl"

// One workgroup does one position [n, axes], lanes over the axes' h frequencies: with
// (s, c) the sine and cosine of pos[r, a]·freq[i],
//   out[r, a·2h + i] = s, out[r, a·2h + h + i] = c     ORDER 0
//   the other way round                                ORDER 1
//   out[r, a·2h + 2i] = s, out[r, a·2h + 2i + 1] = c   ORDER 2
// added to what out has with ADD. freq is [2, h], a float and what it leaves out.
//
// A float's rounding of the angle would cost 6e-8 times the angle. So the position and
// the frequency are cut into 12 bits and a rest; the product of the leading parts is
// exact, and the sine of it is turned by the angle of the others, which is at most 2^-10
// of it and so rounds by 2e-10 of it. With sincos within 2e-7 the result is within 8e-7
// and that.

layout(constant_id = 1) const uint ORDER = 0;
layout(constant_id = 2) const uint ADD = 0;

layout(push_constant, scalar) uniform Push {
  uint64_t pos, freq, out_;
  uint n, axes, h;
} p;

float leading(float x) { return uintBitsToFloat(floatBitsToUint(x) & 0xfffff000u); }

void main() {
  uint r = group();
  if (r >= p.n) return;
  F32 freq = F32(p.freq);
  for (uint j = LANE; j < p.axes * p.h; j += W) {
    uint a = j / p.h, i = j % p.h;
    float x = F32(p.pos).v[r * p.axes + a], f = freq.v[i];
    precise float x0 = leading(x), f0 = leading(f), x1 = x - x0, f1 = (f - f0) + freq.v[p.h + i];
    precise float angle = x0 * f0, rest = x0 * f1 + x1 * f0 + x1 * f1;
    vec2 u = sincos(angle), v = sincos(rest);
    vec2 sc = vec2(u.x * v.y + u.y * v.x, u.y * v.y - u.x * v.x);
    if (ORDER == 1) sc = sc.yx;
    F32 out_ = F32(p.out_ + 4ul * (uint64_t(r) * p.axes + a) * (2 * p.h));
    uint s = ORDER == 2 ? 2 * i : i, c = ORDER == 2 ? 2 * i + 1 : p.h + i;
    out_.v[s] = ADD != 0 ? out_.v[s] + sc.x : sc.x;
    out_.v[c] = ADD != 0 ? out_.v[c] + sc.y : sc.y;
  }
}
