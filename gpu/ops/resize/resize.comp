#version 460
//morton:variant forward
#include "morton.glsl"
#include "pairs.glsl"

// One workgroup makes the channels of one position, lanes over pairs of them:
//   out[b, j, c] = sum_i weight(j, i)·x[b, i, c]
// weight(j, i) is the product over three axes of what MODE says of an axis with n
// elements i and m elements j: 0 nearest, i = floor(j·n/m); 1 linear, the tent around
// (j + 1/2)·n/m - 1/2 kept inside 0..n-1; 2 area, 1/size for i in floor(j·n/m) to
// ceil((j+1)·n/m) - 1; 3 cubic, four taps around (j + 1/2)·n/m - 1/2, of which those
// outside fall on the border. Positions are fractions in whole numbers; a weight has
// some roundings. The sum runs in the order of positions.

layout(constant_id = 2) const uint MODE = 0;
const uint U = 4;

layout(push_constant, scalar) uniform Push {
  uint64_t x, out_;
  uint b, c;
  ivec3 n, m;
} p;

// tap returns the tap before position j of an axis, and how far behind it j lies: the
// numerator of a fraction of 2·m.
ivec2 tap(int j, int n, int m) {
  int at = (2 * j + 1) * n - m, i = at < 0 ? -1 : at / (2 * m);
  return ivec2(i, at - i * 2 * m);
}

// reach returns the first and the last i that j takes from.
ivec2 reach(int j, int n, int m) {
  if (MODE == 0) return ivec2(j * n / m);
  if (MODE == 2) return ivec2(j * n / m, ((j + 1) * n + m - 1) / m - 1);
  if (MODE == 3) return clamp(tap(j, n, m).x + ivec2(-1, 2), 0, n - 1);
  int at = clamp((2 * j + 1) * n - m, 0, 2 * m * (n - 1)), i = at / (2 * m);
  return ivec2(i, min(i + 1, n - 1));
}

// A is the slope of the cubic's outer taps, as in torch.
const float A = -0.75;

// near and far are the weights of a tap at a distance of x up to 1, and of 1 + x. y is
// 1 - x. They are factored, so that no digits cancel.
float near(float x, float y) { return y * (1 + x - (A + 2) * x * x); }
float far(float x, float y) { return A * x * y * y; }

// cubic returns the sum of the taps of j that fall on i.
float cubic(int j, int i, int n, int m) {
  ivec2 t = tap(j, n, m);
  float f = float(t.y) / float(2 * m), g = float(2 * m - t.y) / float(2 * m);
  float s = 0;
  if (clamp(t.x - 1, 0, n - 1) == i) s += far(f, g);
  if (clamp(t.x, 0, n - 1) == i) s += near(f, g);
  if (clamp(t.x + 1, 0, n - 1) == i) s += near(g, f);
  if (clamp(t.x + 2, 0, n - 1) == i) s += far(g, f);
  return s;
}

// share returns weight(j, i) along an axis.
float share(int j, int i, int n, int m) {
  ivec2 r = reach(j, n, m);
  if (i < r.x || i > r.y) return 0;
  if (MODE == 0) return 1;
  if (MODE == 2) return 1 / float(r.y - r.x + 1);
  if (MODE == 3) return cubic(j, i, n, m);
  int at = clamp((2 * j + 1) * n - m, 0, 2 * m * (n - 1));
  float f = float(at - r.x * 2 * m) / float(2 * m);
  if (r.x == r.y) return 1;
  return i == r.x ? 1 - f : f;
}

void main() {
  uint g = group();
  ivec3 here = p.m, there = p.n;
  if (g >= p.b * uint(here.x * here.y * here.z)) return;
  uint at = g;
  ivec3 o;
  o.z = int(at % uint(here.z));
  at /= uint(here.z);
  o.y = int(at % uint(here.y));
  at /= uint(here.y);
  o.x = int(at % uint(here.x));
  uint b = at / uint(here.x);
  ivec2 t = reach(o.x, p.n.x, p.m.x), y = reach(o.y, p.n.y, p.m.y), x = reach(o.z, p.n.z, p.m.z);
  uint pairs = (p.c + 1) / 2;
  uint64_t orow = p.out_ + 4ul * uint64_t(g) * p.c;
  for (uint c0 = LANE; c0 < pairs; c0 += U * W) {
    vec2 acc[U];
    for (uint u = 0; u < U; u++) acc[u] = vec2(0);
    for (int i = t.x; i <= t.y; i++)
      for (int j = y.x; j <= y.y; j++)
        for (int k = x.x; k <= x.y; k++) {
          float w = share(o.x, i, p.n.x, p.m.x) * share(o.y, j, p.n.y, p.m.y) * share(o.z, k, p.n.z, p.m.z);
          if (w == 0) continue;
          uint64_t row = p.x + 4ul * ((uint64_t(b) * uint(there.x) + uint(i)) * uint(there.y * there.z) + uint(j * there.z + k)) * p.c;
          for (uint u = 0; u < U; u++) acc[u] += w * load2(row, min(c0 + u * W, pairs - 1), p.c);
        }
    for (uint u = 0; u < U; u++) {
      uint c = c0 + u * W;
      if (c < pairs) store2(orow, c, p.c, acc[u]);
    }
  }
}
