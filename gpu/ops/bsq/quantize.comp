#version 460
//morton:variant quantize
#include "morton.glsl"

// One workgroup does one row of z [n, L]: signs to code [n, L] as ±side and to
// bits [n, words], and 1/|z| to rnorm [n]; an output at address 0 is not wanted.
// A lane reads an element before it writes the code there, so code may be z.
// Signs are exact; rnorm errs by (L/W + log W + 4)·2^-24 relative.

layout(push_constant, scalar) uniform Push {
  uint64_t z, code, bits, rnorm;
  uint n, l;
  float side;
} p;

void main() {
  uint g = group();
  if (g >= p.n) return;
  F32 z = F32(p.z + 4ul * uint64_t(g) * p.l), code = F32(p.code + 4ul * uint64_t(g) * p.l);
  uint words = (p.l + 31) / 32;
  float sum = 0;
  for (uint w = 0; w < words; w++) {
    uint word = 0;
    for (uint i = 0; i < 32; i += W) {
      uint b = i + LANE, c = 32 * w + b;
      bool in_ = b < 32 && c < p.l;
      float x = z.v[min(c, p.l - 1)];
      if (!in_) x = 0;
      sum += x * x;
      word |= uint(x > 0) << (b & 31);
      if (in_ && p.code != 0) code.v[c] = x > 0 ? p.side : -p.side;
    }
    word = subgroupOr(word);
    if (LANE == 0 && p.bits != 0) U32(p.bits + 4ul * uint64_t(g) * words).v[w] = word;
  }
  sum = subgroupAdd(sum);
  if (LANE == 0 && p.rnorm != 0) F32(p.rnorm).v[g] = sum == 0 ? 0 : 1 / sqrt(sum);
}
