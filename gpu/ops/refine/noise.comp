#version 460
//morton:variant noise
#include "morton.glsl"
#include "philox.glsl"
#include "sincos.glsl"
#include "normal.glsl"
#include "present.glsl"
// One workgroup makes the c numbers of one draw: out is f32 [m, c], draw u32 [m, 8] as in
// gpu/ops/sample. Recorded numbers, f32 [slots, l, n, c], come from entry 0 of the draw's
// canvas and position. A draw that is not active gets zeros. A lane makes four numbers
// of one counter.
layout(constant_id = 1) const uint UNIFORM = 0; // 1: uniform in (-1/2, 1/2)
layout(constant_id = 2) const uint RECORDED = 0;
layout(push_constant, scalar) uniform Push {
  uint64_t draw, canvas, recorded; // in
  uint64_t out_;
  uint m, c, l, n;
} p;

void main() {
  uint i = group();
  if (i >= p.m) return;
  U32 d = U32(p.draw + 32ul * i);
  bool active_ = d.v[7] != 0;
  F32 to = F32(p.out_ + 4ul * uint64_t(i) * p.c);
  if (RECORDED != 0) {
    F32 from = F32(p.recorded + 4ul * (uint64_t(uint(max(I32(p.canvas).v[i], 0))) * p.l + min(d.v[3], p.l - 1)) * p.n * p.c);
    for (uint j = LANE; j < p.c; j += W) to.v[j] = active_ ? from.v[j] : 0;
    return;
  }
  for (uint b = LANE; 4 * b < p.c; b += W) {
    uvec4 w = philox(uvec4(b, d.v[3], d.v[2], 256), uvec2(d.v[0], d.v[1]));
    vec4 x = UNIFORM != 0 ? vec4(open24(w.x), open24(w.y), open24(w.z), open24(w.w)) - 0.5 : normals(w);
    for (uint j = 0; j < 4; j++) if (4 * b + j < p.c) to.v[4 * b + j] = active_ ? x[j] : 0;
  }
}
