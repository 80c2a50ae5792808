#version 460
//morton:variant chain
#include "morton.glsl"

// Lanes are rows, each a sub-token s of one of n tokens:
//   ids[r, i] = (s·(s-1)/2 + i)·v + tokens[r / subs, i]   for lo <= i < min(s, hi)
// and -1 elsewhere: rows of a table that has v rows for every pair i < s. tokens is i32
// [n, subs], ids [n·subs, subs-1]. A token outside 0..v-1 gives -1.

layout(push_constant, scalar) uniform Push {
  uint64_t tokens, ids;
  uint rows, subs, lo, hi, v;
} p;

void main() {
  uint r = group() * W + LANE;
  if (r >= p.rows) return;
  uint s = r % p.subs;
  I32 tokens = I32(p.tokens + 4ul * uint64_t(r - s)), ids = I32(p.ids + 4ul * uint64_t(r) * (p.subs - 1));
  for (uint i = 0; i + 1 < p.subs; i++) {
    uint token = uint(tokens.v[i]);
    bool there = i >= p.lo && i < min(s, p.hi) && token < p.v;
    ids.v[i] = there ? int((s * (s - 1) / 2 + i) * p.v + token) : -1;
  }
}
