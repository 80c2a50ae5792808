#version 460
//morton:variant combine
#include "morton.glsl"
// One workgroup makes the logits of one draw from those of its branches and of the
// directions of each: out = x[n-1] + sum of s[i]·(x[i] - x[i+1]), where x[i] are means
// over directions. x is [n·m, v], a draw's sum over its directions by branch, the one with
// all conditions first; picks is i32 [h, n·m], -1 where a direction has nothing to say;
// scale is [n-1, m]. Without a second branch, and where all s are 1, out is x[0].
layout(constant_id = 1) const uint BRANCHES = 2; // n
layout(push_constant, scalar) uniform Push { uint64_t x, picks, scale, out_; uint m, v, h; } p;

uint count(uint row) {
  uint n = 0;
  for (uint j = 0; j < p.h; j++) n += I32(p.picks).v[BRANCHES * j * p.m + row] >= 0 ? 1 : 0;
  return n;
}

F32 branch(uint b, uint r) { return F32(p.x + 4ul * uint64_t(b * p.m + r) * p.v); }

void main() {
  uint r = group();
  if (r >= p.m) return;
  uint cs = count(r), us = count(p.m + r); // further branches have as many as the second
  bool guided = false;
  for (uint b = 0; b + 1 < BRANCHES; b++) guided = guided || us > 0 && F32(p.scale).v[b * p.m + r] != 1;
  float s = F32(p.scale).v[r];
  F32 c = branch(0, r), u = branch(BRANCHES - 1, r), o = F32(p.out_ + 4ul * uint64_t(r) * p.v);
  for (uint i = LANE; i < p.v; i += W) {
    float a = c.v[i];
    if (cs > 1) a = a / float(cs);
    if (guided) {
      float sum = u.v[i];
      if (us > 1) sum = sum / float(us);
      float next = sum;
      for (uint b = BRANCHES - 2; b > 0; b--) {
        float x = branch(b, r).v[i];
        if (us > 1) x = x / float(us);
        precise float moved = sum + F32(p.scale).v[b * p.m + r] * (x - next);
        sum = moved;
        next = x;
      }
      precise float moved = sum + s * (a - next);
      a = moved;
    }
    o.v[i] = a;
  }
}
