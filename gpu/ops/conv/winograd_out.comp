#version 460
//morton:variant winograd_out
#include "morton.glsl"
#include "present.glsl"

// One workgroup makes one tile of 2 by 2 positions of out [b, n, c], a lane a pair of
// channels at a time:
//   out = Aᵀ m A + bias (+ out if ADD),   Aᵀ = [1 1 1 0; 0 1 -1 -1]
// m are the 16 elements of m [16, rows, c] at the tile's row; row is tile first + row of
// a grid [b, tiles]. bias is [c], or at address 0 for zeros. What a tile has beyond n is
// not written. c is even.

layout(constant_id = 1) const uint ADD = 0;

layout(push_constant, scalar) uniform Push {
  uint64_t m, bias, out_;
  ivec2 n, tiles;
  uint first, rows, c;
} p;

void main() {
  uint row = group();
  if (row >= p.rows) return;
  uint at = p.first + row, pairs = p.c / 2;
  int tx = int(at % uint(p.tiles.y));
  at /= uint(p.tiles.y);
  int ty = int(at % uint(p.tiles.x));
  uint64_t sampleAt = p.out_ + 4ul * uint64_t(at / uint(p.tiles.x)) * uint(p.n.x) * uint(p.n.y) * p.c;
  uint64_t from = p.m + 4ul * uint64_t(row) * p.c, step_ = 4ul * uint64_t(p.rows) * p.c;
  for (uint i = LANE; i < pairs; i += W) {
    vec2 m[16], s[8];
    for (uint k = 0; k < 16; k++) m[k] = floats(F32x2(from + k * step_).v[i]);
    for (int x = 0; x < 4; x++) {
      s[x] = m[x] + m[4 + x] + m[8 + x];
      s[4 + x] = m[4 + x] - m[8 + x] - m[12 + x];
    }
    vec2 bias = floats(F32x2(present(p.bias, p.m)).v[p.bias != 0 ? i : 0]);
    if (p.bias == 0) bias = vec2(0);
    for (int y = 0; y < 2; y++)
      for (int x = 0; x < 2; x++) {
        ivec2 q = ivec2(2 * ty + y, 2 * tx + x);
        if (q.x >= p.n.x || q.y >= p.n.y) continue;
        vec2 sum = x == 0 ? s[4 * y] + s[4 * y + 1] + s[4 * y + 2] : s[4 * y + 1] - s[4 * y + 2] - s[4 * y + 3];
        F32x2 to = F32x2(sampleAt + 4ul * uint64_t(q.x * p.n.y + q.y) * p.c);
        sum += bias;
        if (ADD != 0) sum += floats(to.v[i]);
        to.v[i] = pack64(floatBitsToUint(sum));
      }
  }
}
