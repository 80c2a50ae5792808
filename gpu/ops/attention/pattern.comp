#version 460
//morton:variant pattern
#include "morton.glsl"
// One workgroup makes the ranges of one block of queries of one head of keys: that whose
// first row is its row. mass is f32 [rows, kvheads, 3, blocks], of which the
// first part is the attention of rows. The second takes the sums over the block's rows, and the first then
// says what is kept. ranges is i32 [sequences, kvheads,
// blocks, n, 2]. Blocks below `first` are of the condition, and compete among themselves.
layout(push_constant, scalar) uniform Push {
  uint64_t seq, len, at;  // in
  uint64_t mass, ranges;  // in and out
  uint rows, kvheads, seqs, block, blocks, first, n;
  float keep;
} p;

uint64_t massOf(uint row, uint kh) { return p.mass + 12ul * (uint64_t(row) * p.kvheads + kh) * p.blocks; }

void main() {
  uint g = group(), row = g / p.kvheads, kh = g % p.kvheads;
  if (row >= p.rows) return;
  int s = I32(p.seq).v[row], own = I32(p.at).v[row];
  if (s < 0 || s >= int(p.seqs) || own < 0 || uint(own) % p.block != 0 || uint(own) / p.block >= p.blocks) return;
  uint rows = 1;
  while (rows < p.block && row + rows < p.rows && I32(p.seq).v[row + rows] == s && I32(p.at).v[row + rows] == own + int(rows)) rows++;
  F32 kept = F32(massOf(row, kh)), sums = F32(massOf(row, kh) + 4ul * p.blocks);
  uint there = min((uint(max(I32(p.len).v[row], 0)) + p.block - 1) / p.block, p.blocks);
  for (uint b = LANE; b < there; b += W) {
    float sum = 0;
    for (uint i = 0; i < rows; i++) sum += F32(massOf(row + i, kh)).v[b];
    sums.v[b] = sum;
  }
  subgroupMemoryBarrierBuffer();
  subgroupBarrier();
  for (uint b = LANE; b < there; b += W) {
    uint from = b < p.first ? 0 : p.first, to = b < p.first ? min(p.first, there) : there, before = 0;
    float mine = sums.v[b];
    for (uint o = from; o < to; o++) before += sums.v[o] > mine || sums.v[o] == mine && o < b ? 1 : 0;
    kept.v[b] = float(before) < ceil(p.keep * float(to - from) - 1e-5) ? 1 : 0;
  }
  subgroupMemoryBarrierBuffer();
  subgroupBarrier();
  if (LANE != 0) return;
  I32 out_ = I32(p.ranges + 8ul * ((uint64_t(uint(s)) * p.kvheads + kh) * p.blocks + uint(own) / p.block) * p.n);
  uint i = 0, b = 0;
  while (b < there) {
    uint from = b;
    while (b < there && kept.v[b] != 0) b++;
    if (b > from && i < p.n) {
      out_.v[2 * i] = int(from * p.block);
      out_.v[2 * i + 1] = int(b * p.block);
      i++;
    }
    b++;
  }
  for (; i < p.n; i++) {
    out_.v[2 * i] = 0;
    out_.v[2 * i + 1] = 0;
  }
}
