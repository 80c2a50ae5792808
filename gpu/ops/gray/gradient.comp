#version 460
//morton:variant gradient
#include "morton.glsl"
#include "level.glsl"

// One workgroup does one row: dz = dcode, or 0 where z lies outside the levels and a step
// against dcode would take it further out. z, dcode and dz are [n, c]; dz may be either.

layout(push_constant, scalar) uniform Push {
  uint64_t z, start, dcode, dz;
  uint n, c;
} p;

void main() {
  uint g = group();
  if (g >= p.n) return;
  uint64_t row = 4ul * uint64_t(g) * p.c;
  I32 start = I32(p.start);
  for (uint i = LANE; i < p.c; i += W) {
    uint l = 1u << uint(start.v[i + 1] - start.v[i]);
    float z = F32(p.z + row).v[i], d = F32(p.dcode + row).v[i];
    bool out_ = abs(z) > 2 * value(l - 1, l);
    F32(p.dz + row).v[i] = out_ && d * z < 0 ? 0 : d;
  }
}
