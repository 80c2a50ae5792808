#version 460
//morton:variant group_sum
//morton:variant group_square -DSQUARE
#include "morton.glsl"
#include "pairs.glsl"
#include "samples.glsl"

// One workgroup sums one block of a sample's rows, in order, in 2·W channels, a
// lane a pair of them:
//   a[s, k, c] = sum_r x[r, c]
//   SQUARE: a[s, k, c] = sum_r (x[r, c] - mean)²
// x is [n, c], mean [samples, groups], a [samples, blocks, c]. The grid is [channel
// blocks, blocks, samples]. A block's height depends on its sample's length alone;
// blocks past its end are zeros.

layout(push_constant, scalar) uniform Push {
  uint64_t x, mean, starts, rows, a;
  uint n, c, groups, per;
} p;

void main() {
  uint s = gl_WorkGroupID.z, k = gl_WorkGroupID.y, i = gl_WorkGroupID.x * W + LANE, pairs = (p.c + 1) / 2;
  uint ii = min(i, pairs - 1);
  uvec2 all = span(p.starts, p.x, s, p.per, p.n);
  uint height = max(64, (all.y - all.x + 63) / 64), first = all.x + k * height, end = min(first + height, all.y);
  vec2 mean = vec2(0), a = vec2(0);
#ifdef SQUARE
  mean = ofGroup(p.mean, s, ii, p.c, p.groups);
#endif
  for (uint at = first; at < end; at++) {
    uint listed = uint(I32(present(p.rows, p.x)).v[p.rows != 0 ? min(at, p.n - 1) : 0]), r = p.rows != 0 ? listed : at;
    if (r >= p.n) continue;
    vec2 x = load2(p.x + 4ul * uint64_t(r) * p.c, ii, p.c);
#ifdef SQUARE
    a += (x - mean) * (x - mean);
#else
    a += x;
#endif
  }
  if (i >= pairs) return;
  uint64_t row = 4ul * (uint64_t(s) * gl_NumWorkGroups.y + k) * p.c;
  store2(p.a + row, i, p.c, a);
}
