#version 460
//morton:variant gradient
#include "morton.glsl"

// One workgroup does one row: with u = z·rnorm and the gradient g of u,
//
//   g[c]  = dcode[c] + commit·(u[c] ∓ side) + s·(1-s)·slope·(-entropy·slope·u[c] + diversity·ln(m/(1-m)))
//   dz[c] = rnorm · (g[c] - u[c] · sum_j u[j]·g[j]),   s = sigmoid(slope·u[c]), m = mean[c]
//
// z, dcode, dz are [n, L], rnorm [n], mean [L]; dcode and mean may be at address
// 0. The second pass reads an element before writing it, so dz may be dcode or
// z. The weights come divided by n (commit: times 2).

layout(push_constant, scalar) uniform Push {
  uint64_t z, rnorm, dcode, mean, dz;
  uint n, l;
  float side, slope, commit, entropy, diversity;
} p;

F32 z, dcode;
float rnorm;

float direct(uint c, float u) {
  float g = p.dcode != 0 ? dcode.v[c] : 0;
  g += p.commit * (u - (u > 0 ? p.side : -p.side));
  if (p.entropy == 0 && p.mean == 0) return g;
  float s = 1 / (1 + exp(-p.slope * u)), pull = -p.entropy * p.slope * u;
  if (p.mean != 0) {
    float m = clamp(F32(p.mean).v[c], 1e-7, 0.9999999); // a mean that rounds to 0 or 1 has a finite pull
    pull += p.diversity * log(m / (1 - m));
  }
  return g + s * (1 - s) * p.slope * pull;
}

void main() {
  uint g = group();
  if (g >= p.n) return;
  z = F32(p.z + 4ul * uint64_t(g) * p.l);
  dcode = F32(p.dcode + 4ul * uint64_t(g) * p.l);
  F32 dz = F32(p.dz + 4ul * uint64_t(g) * p.l);
  rnorm = F32(p.rnorm).v[g];
  float dot = 0;
  for (uint c = LANE; c < p.l; c += W) {
    float u = z.v[c] * rnorm;
    dot += u * direct(c, u);
  }
  dot = subgroupAdd(dot);
  for (uint c = LANE; c < p.l; c += W) {
    float u = z.v[c] * rnorm;
    dz.v[c] = rnorm * (direct(c, u) - u * dot);
  }
}
