#version 460
//morton:variant begin
#include "morton.glsl"
#include "present.glsl"
// One lane prepares one draw of a step for the passes: it copies the draw, keeps its
// temperature, guidance scale, canvas and whether it has a second branch, then the other
// scales of n branches, and puts all branches at the first row of the draw's part of the
// table, -1 if there is none. scale is f32 [n-1, m], info [m, iw], at i32 [n, m].
layout(push_constant, scalar) uniform Push {
  uint64_t draw, temp, scale, canvas, picks; // in
  uint64_t kept, info, at;                   // out
  uint m, n, iw;
} p;

void main() {
  uint i = group() * W + LANE;
  if (i >= p.m) return;
  U32 d = U32(p.draw + 32ul * i), k = U32(p.kept + 32ul * i);
  for (uint j = 0; j < 8; j++) k.v[j] = d.v[j];
  I32 picks = I32(present(p.picks, p.canvas));
  bool both = p.picks != 0 && picks.v[p.picks != 0 ? p.m + i : i] >= 0;
  F32 info = F32(p.info + 4ul * i * p.iw);
  info.v[0] = F32(p.temp).v[3 * i];
  info.v[1] = F32(p.scale).v[i];
  info.v[2] = float(I32(p.canvas).v[i]);
  info.v[3] = both ? 1 : 0;
  for (uint b = 1; b + 1 < p.n; b++) info.v[3 + b] = F32(p.scale).v[b * p.m + i];
  int first = d.v[7] != 0 && d.v[4] < d.v[5] ? int(d.v[4]) : -1;
  for (uint b = 0; b < p.n; b++) I32(p.at).v[b * p.m + i] = first;
}
