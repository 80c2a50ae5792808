#version 460
//morton:variant gap
#include "morton.glsl"
// One workgroup writes how far apart the two largest logits of a row m of [m, v] are, among
// those that the row of Draw allows (see softmax.comp), to the place of its canvas and
// position in out [slots, L]. Equal ones are 0 apart, and so is a token that is alone. A
// row that draws nothing writes nothing.
layout(push_constant, scalar) uniform Push { uint64_t logits, canvas, draw, out_; uint rows, v, L; } p;

const float LOWEST = -3.4e38;

void main() {
  uint m = group();
  if (m >= p.rows) return;
  U32 d = U32(p.draw + 32ul * m);
  if (d.v[7] == 0) return;
  uint lo = d.v[4], hi = min(d.v[5] & 0xffffffu, p.v);
  F32 x = F32(p.logits + 4ul * uint64_t(m) * p.v);
  float first = LOWEST, second = LOWEST; // of a lane
  for (uint i = lo + LANE; i < hi; i += W) {
    second = max(second, min(first, x.v[i]));
    first = max(first, x.v[i]);
  }
  float top = subgroupMax(first);
  bool twice = subgroupAdd(first == top ? 1u : 0u) > 1;
  float next = twice ? top : subgroupMax(first == top ? second : first);
  uint64_t at = uint64_t(I32(p.canvas).v[m]) * p.L + d.v[3];
  if (LANE == 0) F32(p.out_ + 4ul * at).v[0] = next > LOWEST ? top - next : 0;
}
