#version 460
//morton:variant philox
#include "morton.glsl"
#include "philox.glsl"
// One workgroup evaluates W counters: in and out are u32 [n, 4], key u32 [n, 2].
// It exists for the known-answer test; other kernels include the function.
layout(push_constant, scalar) uniform Push { uint64_t ctr, key, out_; uint n; } p;
void main() {
  uint i = group() * W + LANE;
  if (i >= p.n) return;
  U32 c = U32(p.ctr + 16ul * i), k = U32(p.key + 8ul * i), o = U32(p.out_ + 16ul * i);
  uvec4 r = philox(uvec4(c.v[0], c.v[1], c.v[2], c.v[3]), uvec2(k.v[0], k.v[1]));
  o.v[0] = r.x;
  o.v[1] = r.y;
  o.v[2] = r.z;
  o.v[3] = r.w;
}
