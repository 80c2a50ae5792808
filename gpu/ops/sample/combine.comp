#version 460
//morton:variant combine
#include "morton.glsl"
// One workgroup makes the logits of one draw from those of its branches and of the
// directions of each: out = x[n-1] + sum of s[i]·(x[i] - x[i+1]), where x[i] are means
// over directions. x is [n·m, v], a draw's sum over its directions by branch, the one with
// all conditions first; picks is i32 [h, n·m], -1 where a direction has nothing to say;
// scale is [n-1, m]. Without a second branch, and where all s are 1, out is x[0].
layout(push_constant, scalar) uniform Push { uint64_t x, picks, scale, out_; uint m, v, h, n; } p;

uint count(uint row) {
  uint n = 0;
  for (uint j = 0; j < p.h; j++) n += I32(p.picks).v[p.n * j * p.m + row] >= 0 ? 1 : 0;
  return n;
}

// said is column i of a branch, of n directions.
float said(uint row, uint n, uint i) {
  float x = F32(p.x + 4ul * uint64_t(row) * p.v).v[i];
  return n > 1 ? x / float(n) : x;
}

void main() {
  uint r = group();
  if (r >= p.m) return;
  uint cs = count(r), us = count(p.m + r);
  bool guided = false;
  for (uint b = 0; b + 1 < p.n; b++) guided = guided || us > 0 && F32(p.scale).v[b * p.m + r] != 1;
  F32 o = F32(p.out_ + 4ul * uint64_t(r) * p.v);
  for (uint i = LANE; i < p.v; i += W) {
    float a = said(r, cs, i);
    if (guided) {
      float next = said((p.n - 1) * p.m + r, us, i), sum = next; // branches have the same directions
      for (uint b = p.n - 1; b-- > 0;) {
        float x = said(b * p.m + r, b == 0 ? cs : us, i);
        precise float moved = sum + F32(p.scale).v[b * p.m + r] * (x - next);
        sum = moved;
        next = x;
      }
      a = sum;
    }
    o.v[i] = a;
  }
}
