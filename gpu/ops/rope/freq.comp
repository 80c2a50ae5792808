#version 460
//morton:variant freq
#extension GL_EXT_control_flow_attributes : require
#include "morton.glsl"

// One workgroup sums one block of rows for W pairs of the heads of frequencies:
//
//   partial[block, a, f, j] = sum_r pos[r, a] · sum_h (dv·u - du·v)
//
// over the rows of the block and the heads h with h / group mod fh = f, (u, v)
// being pair j of head h as turned, and (du, dv) its gradient. out and dout have
// rows ldo and ldd apart; partial is [blocks, AXES, fh, dh/2]. A lane owns a pair;
// it adds heads, then rows, in order.

layout(constant_id = 1) const uint AXES = 3;
layout(constant_id = 2) const uint HALF = 0; // 1: pairs are (j, j + dh/2)

layout(push_constant, scalar) uniform Push {
  uint64_t out_, dout, pos, partial;
  uint n, heads, dh, ldo, ldd, fh, group, height, chunks;
} p;

void main() {
  uint block = group() / p.chunks, pairs = p.dh / 2, c = group() % p.chunks * W + LANE;
  if (block * p.height >= p.n) return;
  uint f = min(c / pairs, p.fh - 1), j = c % pairs;
  uint i0 = HALF != 0 ? j : 2 * j, i1 = HALF != 0 ? j + pairs : 2 * j + 1;
  float sum[AXES];
  [[unroll]] for (uint a = 0; a < AXES; a++) sum[a] = 0;
  for (uint r = block * p.height; r < min(p.n, (block + 1) * p.height); r++) {
    float turn = 0; // the loss by the angle
    for (uint h0 = f * p.group; h0 < p.heads; h0 += p.fh * p.group) {
      for (uint h = h0; h < min(h0 + p.group, p.heads); h++) {
        F32 u = F32(p.out_ + 4ul * (uint64_t(r) * p.ldo + h * p.dh)), du = F32(p.dout + 4ul * (uint64_t(r) * p.ldd + h * p.dh));
        turn += du.v[i1] * u.v[i0] - du.v[i0] * u.v[i1];
      }
    }
    [[unroll]] for (uint a = 0; a < AXES; a++) sum[a] += float(I32(p.pos).v[r * AXES + a]) * turn;
  }
  if (c >= p.fh * pairs) return;
  [[unroll]] for (uint a = 0; a < AXES; a++) F32(p.partial).v[((block * AXES + a) * p.fh + f) * pairs + j] = sum[a];
}
