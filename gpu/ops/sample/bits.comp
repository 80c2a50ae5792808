#version 460
//morton:variant bits
#include "morton.glsl"
#include "philox.glsl"
// One workgroup draws one binary code: row n of logits [n, l], out u32 [n, words]. With
// PAIRS logits are [n, 2·l], those of zero and of one side by side, and their difference
// counts. Words behind the last bit are 0.
// Bit i is one with probability sigmoid(logit/T), by one uniform of Philox with
// the counter (i/4, position, request, 0); T = 0 takes the likelier value. Draw
// and Temp are those of softmax.comp; ranges, top_k and top_p do not apply.
layout(constant_id = 1) const uint PAIRS = 0;
layout(push_constant, scalar) uniform Push { uint64_t logits, draw, temp, out_; uint rows, l, words, temps; } p;
void main() {
  uint r = group();
  if (r >= p.rows) return;
  U32 d = U32(p.draw + 32ul * r);
  if (d.v[7] == 0) return;
  float temperature = F32(p.temp + 4ul * r * p.temps).v[0];
  F32 x = F32(p.logits + 4ul * uint64_t(r) * (p.l << PAIRS));
  for (uint w = LANE; w < p.words; w += W) {
    uint code = 0;
    for (uint b = 0; b < 8; b++) {
      uvec4 noise = philox(uvec4(w * 8 + b, d.v[3], d.v[2], 0), uvec2(d.v[0], d.v[1]));
      for (uint j = 0; j < 4; j++) {
        uint i = w * 32 + b * 4 + j;
        if (i >= p.l) continue;
        float y = PAIRS != 0 ? x.v[2 * i + 1] - x.v[2 * i] : x.v[i];
        bool one = temperature > 0 ? uniform24(noise[j]) < 1 / (1 + exp(-y / temperature)) : y > 0;
        code |= one ? 1u << (i % 32) : 0u;
      }
    }
    U32(p.out_).v[r * p.words + w] = code;
  }
}
