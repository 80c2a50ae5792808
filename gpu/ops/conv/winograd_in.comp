#version 460
//morton:variant winograd_in
#include "morton.glsl"

// One workgroup transforms one tile of 4 by 4 positions d of x [b, n, c], a lane a pair
// of channels at a time; tiles lie 2 apart and begin pad before the first position:
//   v[k, row] = (Bᵀ d B)[k] for the 16 elements k, Bᵀ = [1 0 -1 0; 0 1 1 0; 0 -1 1 0; 0 1 0 -1]
// v is [16, rows, c]; row is tile first + row of a grid [b, tiles]. Positions outside are
// zeros. An element is three sums of exact terms at most. c is even.

layout(push_constant, scalar) uniform Push {
  uint64_t x, v;
  ivec2 n, tiles, pad;
  uint first, rows, c;
} p;

// along is one axis of the transform.
void along(inout vec2 a, inout vec2 b, inout vec2 c, inout vec2 d) {
  vec2 sum = b + c, gap = c - b, last = b - d;
  a -= c;
  b = sum;
  c = gap;
  d = last;
}

void main() {
  uint row = group();
  if (row >= p.rows) return;
  uint at = p.first + row, pairs = p.c / 2;
  int tx = int(at % uint(p.tiles.y));
  at /= uint(p.tiles.y);
  int ty = int(at % uint(p.tiles.x));
  ivec2 corner = 2 * ivec2(ty, tx) - p.pad;
  uint64_t source = p.x + 4ul * uint64_t(at / uint(p.tiles.x)) * uint(p.n.x) * uint(p.n.y) * p.c;
  uint64_t to = p.v + 4ul * uint64_t(row) * p.c, step_ = 4ul * uint64_t(p.rows) * p.c;
  for (uint i = LANE; i < pairs; i += W) {
    vec2 d[16];
    for (int y = 0; y < 4; y++)
      for (int x = 0; x < 4; x++) {
        ivec2 q = corner + ivec2(y, x);
        d[4 * y + x] = vec2(0);
        if (q.x >= 0 && q.y >= 0 && q.x < p.n.x && q.y < p.n.y)
          d[4 * y + x] = floats(F32x2(source + 4ul * uint64_t(q.x * p.n.y + q.y) * p.c).v[i]);
      }
    for (int x = 0; x < 4; x++) along(d[x], d[4 + x], d[8 + x], d[12 + x]);
    for (int y = 0; y < 4; y++) along(d[4 * y], d[4 * y + 1], d[4 * y + 2], d[4 * y + 3]);
    for (uint k = 0; k < 16; k++) F32x2(to + k * step_).v[i] = pack64(floatBitsToUint(d[k]));
  }
}
