#version 460
//morton:variant gradient
#include "morton.glsl"
#include "levels.glsl"

// One lane does one row, W rows a workgroup: dz[c] = dcode[c]·b'(z[c]) / (levels[c]/2).
// z, dcode and dz are [n, d]; dz may be either.

layout(push_constant, scalar) uniform Push {
  uint64_t z, dcode, dz;
  uint n, d;
  uint levels[8];
  float shifts[8];
} p;

void main() {
  uint r = group() * W + LANE;
  if (r >= p.n) return;
  uint64_t row = 4ul * uint64_t(r) * p.d;
  for (uint c = 0; c < p.d; c++) {
    Level v = level(p.levels[c], p.shifts[c]);
    float slope = tanh1(F32(p.z + row).v[c] + v.shift).y * v.half_ / float(p.levels[c] / 2);
    F32(p.dz + row).v[c] = F32(p.dcode + row).v[c] * slope;
  }
}
