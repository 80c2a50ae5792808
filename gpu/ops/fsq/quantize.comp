#version 460
//morton:variant quantize
#include "morton.glsl"
#include "levels.glsl"

// One lane quantises one row of z [n, d], d at most 8, W rows a workgroup:
//   digit[c] = round(b(z[c])) + levels[c]/2
//   code[c] = (digit[c] - levels[c]/2) / (levels[c]/2)
//   index = sum_c digit[c]·levels[0]·…·levels[c-1]
// code is [n, d] and may be z, index [n]; either at address 0 is not wanted.

layout(push_constant, scalar) uniform Push {
  uint64_t z, code, index;
  uint n, d;
  uint levels[8];
  float shifts[8];
} p;

void main() {
  uint r = group() * W + LANE;
  if (r >= p.n) return;
  F32 z = F32(p.z + 4ul * uint64_t(r) * p.d), code = F32(p.code + 4ul * uint64_t(r) * p.d);
  uint index = 0, basis = 1;
  for (uint c = 0; c < p.d; c++) {
    uint l = p.levels[c];
    Level v = level(l, p.shifts[c]);
    float b = tanh1(z.v[c] + v.shift).x * v.half_ - v.offset;
    int below = int(l / 2), q = clamp(int(floor(b + 0.5)), -below, int(l - 1) - below);
    if (p.code != 0) code.v[c] = float(q) / float(below);
    index += uint(q + below) * basis;
    basis *= l;
  }
  if (p.index != 0) I32(p.index).v[r] = int(index);
}
