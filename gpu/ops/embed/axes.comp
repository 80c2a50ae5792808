#version 460
//morton:variant axes
#include "morton.glsl"

// One workgroup does one row, lanes over its columns:
//   out[r, c] = x[r, c] + table[pos[r, axis(c)], c] + levels[pos[r, axes], c]
// with axis(c) = c % axes, or c·axes/d if PARTS. pos is i32 [n, axes + 1], table [v, d],
// levels [l, d]. A coordinate outside a table adds nothing. A lane reads what it then
// writes, so out may be x.

layout(constant_id = 1) const uint PARTS = 0; // 1: an axis has its own part of the columns

layout(push_constant, scalar) uniform Push {
  uint64_t x, table, levels, pos, out_;
  uint n, d, axes, v, l;
} p;

void main() {
  uint r = group();
  if (r >= p.n) return;
  I32 pos = I32(p.pos + 4ul * uint64_t(r) * (p.axes + 1));
  uint level = uint(pos.v[p.axes]);
  F32 levels = F32(p.levels + 4ul * (level < p.l ? uint64_t(level) * p.d : 0ul)), x = F32(p.x + 4ul * uint64_t(r) * p.d), out_ = F32(p.out_ + 4ul * uint64_t(r) * p.d);
  for (uint c = LANE; c < p.d; c += W) {
    uint at = uint(pos.v[PARTS != 0 ? c * p.axes / p.d : c % p.axes]);
    float place = F32(p.table + 4ul * (at < p.v ? uint64_t(at) * p.d : 0ul)).v[c];
    precise float sum = x.v[c] + ((at < p.v ? place : 0) + (level < p.l ? levels.v[c] : 0));
    out_.v[c] = sum;
  }
}
