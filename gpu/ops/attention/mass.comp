#version 460
//morton:variant mass
//morton:variant mass_cache32 -DCACHE32
#include "morton.glsl"
#include "half.glsl"
#include "page.glsl"
// One workgroup adds up the attention of one row to each block of slots, over the heads
// that share a head of keys. mass is f32 [rows, kvheads, 3, blocks]: the attention, and of the
// head at hand the largest score of each block and the sum of exponentials relative to it. A lane takes
// a slot at a time, with a largest score of its own.
layout(constant_id = 1) const uint DH = 64; // even
layout(push_constant, scalar) uniform Push {
  uint64_t q, ck, table, seq, len; // in
  uint64_t mass;                   // out
  uint rows, kvheads, group, ldq, seqs, perSeq, pages, shift, block, blocks;
  float scale;
} p;

const float LOWEST = -1e38;

// score is the score of a slot, LOWEST where none is.
float score(F32 q, int s, uint kh, int k) {
  int page = pageOf(p.table, p.perSeq, p.pages, p.shift, uint(s), uint(k));
  uint64_t at = p.ck + slotAt(page, p.shift, uint(k), p.kvheads * DH) + uint64_t(CACHE_ELEM) * kh * DH;
  float sum = 0;
  for (uint c = 0; c < DH / 2; c++) {
#ifdef CACHE32
    vec2 key = vec2(F32(at).v[2 * c], F32(at).v[2 * c + 1]);
#else
    uint w = U32(at).v[c];
    vec2 key = vec2(halfOf(w, 0, p.rows >> 31), halfOf(w, 1, p.rows >> 31));
#endif
    sum = fma(key.y, q.v[2 * c + 1], fma(key.x, q.v[2 * c], sum));
  }
  return page < 0 ? LOWEST : sum * p.scale;
}

void main() {
  uint g = group(), row = g / p.kvheads, kh = g % p.kvheads;
  if (row >= p.rows) return;
  int s = I32(p.seq).v[row], len = min(I32(p.len).v[row], int(min(p.perSeq << p.shift, p.block * p.blocks)));
  if (s < 0 || s >= int(p.seqs)) len = 0;
  s = clamp(s, 0, int(p.seqs) - 1);
  // A lane has every W-th block of these: it reads what it wrote.
  F32 mass = F32(p.mass + 12ul * uint64_t(g) * p.blocks), tops = F32(p.mass + 12ul * uint64_t(g) * p.blocks + 4ul * p.blocks), parts = F32(p.mass + 12ul * uint64_t(g) * p.blocks + 8ul * p.blocks);
  for (uint b = LANE; b < p.blocks; b += W) mass.v[b] = 0;
  uint there = (uint(len) + p.block - 1) / p.block;
  for (uint h = 0; h < p.group; h++) {
    F32 q = F32(p.q + 4ul * (uint64_t(row) * p.ldq + (kh * p.group + h) * DH));
    float top = LOWEST, sum = 0;
    for (uint b = 0; b < there; b++) {
      float high = LOWEST, part = 0;
      for (int k = int(b * p.block + LANE); k < min(int((b + 1) * p.block), len); k += int(W)) {
        float x = score(q, s, kh, k), most = max(high, x);
        part = part * exp(high - most) + exp(x - most);
        high = most;
      }
      float most = subgroupMax(high);
      part = subgroupAdd(part * exp(high - most));
      if (LANE == b % W) {
        tops.v[b] = most;
        parts.v[b] = part;
      }
      top = max(top, most);
    }
    for (uint b = LANE; b < there; b += W) sum += parts.v[b] * exp(tops.v[b] - top);
    sum = subgroupAdd(sum);
    for (uint b = LANE; b < there; b += W) mass.v[b] += parts.v[b] * exp(tops.v[b] - top) / sum;
  }
}
