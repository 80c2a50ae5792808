#version 460
//morton:variant combine
#include "morton.glsl"
// One workgroup makes the logits of one draw from those of its two branches and of
// the directions of each: out = u + s(c - u), where c and u are means over directions.
// x is [2·m, v], a draw's sum over its directions in the first m rows, that of the
// branch without condition in the others; picks is i32 [h, 2·m], -1 where a direction
// has nothing to say. A branch without directions does not count, and s = 1 gives c.
layout(push_constant, scalar) uniform Push { uint64_t x, picks, scale, out_; uint m, v, h; } p;

uint count(uint row) {
  uint n = 0;
  for (uint j = 0; j < p.h; j++) n += I32(p.picks).v[2 * j * p.m + row] >= 0 ? 1 : 0;
  return n;
}

void main() {
  uint r = group();
  if (r >= p.m) return;
  uint cs = count(r), us = count(p.m + r);
  float s = F32(p.scale).v[r];
  F32 c = F32(p.x + 4ul * uint64_t(r) * p.v), u = F32(p.x + 4ul * uint64_t(p.m + r) * p.v), o = F32(p.out_ + 4ul * uint64_t(r) * p.v);
  bool guided = us > 0 && s != 1;
  for (uint i = LANE; i < p.v; i += W) {
    float a = c.v[i];
    if (cs > 1) a = a / float(cs);
    if (guided) {
      float b = u.v[i];
      if (us > 1) b = b / float(us);
      precise float moved = b + s * (a - b);
      a = moved;
    }
    o.v[i] = a;
  }
}
