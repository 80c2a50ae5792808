#version 460
//morton:variant bits
#include "morton.glsl"
#include "philox.glsl"
// One workgroup draws one binary code: row n of logits [n, l], out u32 [n, words].
// Bit i is one with probability sigmoid(logit/T), by one uniform of Philox with
// the counter (i/4, position, request, 0); T = 0 takes the likelier value. Draw
// and Temp are those of softmax.comp; ranges, top_k and top_p do not apply.
layout(push_constant, scalar) uniform Push { uint64_t logits, draw, temp, out_; uint rows, l, ld, temps; } p;
void main() {
  uint r = group();
  if (r >= p.rows) return;
  U32 d = U32(p.draw + 32ul * r);
  if (d.v[7] == 0) return;
  float temperature = F32(p.temp + 4ul * r * p.temps).v[0];
  F32 x = F32(p.logits + 4ul * uint64_t(r) * p.ld);
  uint words = (p.l + 31) / 32;
  for (uint w = LANE; w < words; w += W) {
    uint code = 0;
    for (uint b = 0; b < 8; b++) {
      uvec4 noise = philox(uvec4(w * 8 + b, d.v[3], d.v[2], 0), uvec2(d.v[0], d.v[1]));
      for (uint j = 0; j < 4; j++) {
        uint i = w * 32 + b * 4 + j;
        if (i >= p.l) continue;
        float y = x.v[i];
        bool one = temperature > 0 ? uniform24(noise[j]) < 1 / (1 + exp(-y / temperature)) : y > 0;
        code |= one ? 1u << (i % 32) : 0u;
      }
    }
    U32(p.out_).v[r * words + w] = code;
  }
}
