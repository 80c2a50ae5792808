#version 460
//morton:variant apply
#include "morton.glsl"
#include "sincos.glsl"
#include "rotary.glsl"

// One workgroup turns one row; a lane owns pairs of columns. From a table it
// computes a pair's angle once and turns it in every head; learned, once a head:
//   angle = pos[r, axis[j]]·freq[j], or sum_a pos[r, a]·freq[a, head, j], in f32
//   (x, y) -> (x·cos - y·sin, x·sin + y·cos), with -sin if INVERSE
// x and out have rows ldx and ldo apart; freq and axis are [dh/2], or freq is
// [axes, fh, dh/2], its head being head / group mod fh; pos is [n, axes].
// A lane reads what it then writes, so out may be x. sincos is within 2e-7 of the
// oracle for |angle| <= 1e5.

layout(constant_id = 1) const uint PAIRS = 0;   // 1: 64-bit accesses to pairs (2j, 2j+1)
layout(constant_id = 2) const uint HALF = 0;    // 1: pairs are (j, j + dh/2)
layout(constant_id = 3) const uint INVERSE = 0; // 1: turn back
layout(constant_id = 4) const uint LEARNED = 0; // 1: learned frequencies

layout(push_constant, scalar) uniform Push {
  uint64_t x, pos, freq, axis, out_;
  uint n, heads, dh, ldx, ldo, axes, fh, group;
} p;

void main() {
  uint r = group();
  if (r >= p.n) return;
  uint64_t xrow = p.x + 4ul * uint64_t(r) * p.ldx, orow = p.out_ + 4ul * uint64_t(r) * p.ldo;
  I32 pos = I32(p.pos + 4ul * uint64_t(r) * p.axes);
  uint half_ = p.dh / 2;
  for (uint j = LANE; j < half_; j += W) {
    vec2 sc;
    if (LEARNED == 0) sc = tableTurn(pos, p.axes, I32(p.axis), F32(p.freq), j);
    uint i0 = HALF != 0 ? j : 2 * j, i1 = HALF != 0 ? j + half_ : 2 * j + 1;
    for (uint h = 0; h < p.heads; h++) {
      if (LEARNED != 0) sc = sincos(learnedAngle(pos, p.axes, F32(p.freq), p.fh, half_, h / p.group % p.fh, j));
      float s = INVERSE != 0 ? -sc.x : sc.x;
      uint at = h * p.dh;
      vec2 v;
      if (PAIRS != 0) v = floats(F32x2(xrow).v[at / 2 + j]);
      else v = vec2(F32(xrow).v[at + i0], F32(xrow).v[at + i1]);
      v = vec2(v.x * sc.y - v.y * s, v.x * s + v.y * sc.y);
      if (PAIRS != 0) {
        F32x2(orow).v[at / 2 + j] = pack64(floatBitsToUint(v));
      } else {
        F32(orow).v[at + i0] = v.x;
        F32(orow).v[at + i1] = v.y;
      }
    }
  }
}
