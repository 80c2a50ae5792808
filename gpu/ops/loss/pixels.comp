#version 460
//morton:variant pixels
#include "morton.glsl"

// One workgroup does one row of a picture: for the error e = x - y of each pixel and
// channel, with r(e) = sqrt(e² + soft²) - soft,
//   loss[row] = sum square·e² + size·r(e) + slope·(r(e_right - e) + r(e_below - e))
//   dx = the gradient of the sum over all rows
// x, y and dx are [pictures, h, w, c], loss [pictures·h]. A neighbour outside the picture
// adds nothing. Lanes stride over the row. dx, at address 0 if not wanted, is neither x
// nor y, since rows read each other.

layout(push_constant, scalar) uniform Push {
  uint64_t x, y, loss, dx;
  uint rows, h, w, c;
  float square, size, slope, soft;
} p;

// robust returns r(e) and its derivative. r is written so that nothing cancels.
vec2 robust(float e) {
  float n = sqrt(e * e + p.soft * p.soft);
  return vec2(e * e / (n + p.soft), e / n);
}

float error(uint i) { return F32(p.x).v[i] - F32(p.y).v[i]; }

void main() {
  uint g = group();
  if (g >= p.rows) return;
  uint row = g % p.h, n = p.w * p.c, first = g * n;
  float sum = 0;
  for (uint k = LANE; k < n; k += W) {
    uint i = first + k;
    float e = error(i);
    vec2 own = robust(e);
    float d = 2 * p.square * e + p.size * own.y;
    sum += p.square * e * e + p.size * own.x;
    if (p.slope != 0) {
      vec2 right = k + p.c < n ? robust(error(i + p.c) - e) : vec2(0), below = row + 1 < p.h ? robust(error(i + n) - e) : vec2(0);
      float left = k >= p.c ? robust(e - error(i - p.c)).y : 0, above = row > 0 ? robust(e - error(i - n)).y : 0;
      sum += p.slope * (right.x + below.x);
      d += p.slope * (left + above - right.y - below.y);
    }
    if (p.dx != 0) F32(p.dx).v[i] = d;
  }
  sum = subgroupAdd(sum);
  if (LANE == 0) F32(p.loss).v[g] = sum;
}
