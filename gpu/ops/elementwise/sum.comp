#version 460
//morton:variant sum
#include "morton.glsl"
#include "pairs.glsl"

// One workgroup sums one piece of a flat tensor of n elements; a piece is height
// elements, an even number: out[g] = f(scale · sum_{i in piece g} x[i]), of squares
// if SQUARE, f the square root if ROOT. Lanes stride over pairs with four
// accumulators each, which are then added in a fixed tree.

layout(constant_id = 2) const uint SQUARE = 0;
layout(constant_id = 3) const uint ROOT = 0;
const uint U = 4;

layout(push_constant, scalar) uniform Push {
  uint64_t x, out_;
  uint n, height, pieces;
  float scale;
} p;

vec2 term(uint i) {
  vec2 x = load2(p.x, i, p.n);
  return SQUARE != 0 ? x * x : x;
}

void main() {
  uint g = group();
  if (g >= p.pieces) return;
  uint begin = g * (p.height / 2), end = min(begin + p.height / 2, (p.n + 1) / 2);
  uint full = begin + (end - begin) / (U * W) * (U * W);
  vec2 acc[U];
  for (uint u = 0; u < U; u++) acc[u] = vec2(0);
  for (uint i = begin + LANE; i < full; i += U * W)
    for (uint u = 0; u < U; u++) acc[u] += term(i + u * W);
  for (uint i = full + LANE; i < end; i += W) acc[0] += term(i);
  vec2 s = (acc[0] + acc[1]) + (acc[2] + acc[3]);
  float sum = subgroupAdd(s.x + s.y) * p.scale;
  if (LANE == 0) F32(p.out_).v[g] = ROOT != 0 ? sqrt(sum) : sum;
}
