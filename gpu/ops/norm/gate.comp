#version 460
//morton:variant gate
//morton:variant modulate -DMODULATE
#include "morton.glsl"
#include "pairs.glsl"
#include "rows.glsl"
#ifdef MODULATE
#include "present.glsl"
#endif

// One workgroup does one row: out[r, c] = (add[r, c] +) gate[s, c]·x[r, c], s = r/per.
// x, add and out are [n, d], add at address 0 for none; gate has rows of d, ldm
// apart. A lane reads what it then writes, so out may be x or add.
//
// With MODULATE it is out[r, c] = (1 + gate[s, c])·x[r, c] + heat[s]·add[s, c]: gate is
// then the scale and add the shift, with rows like gate's. heat is ldh apart, 1 at
// address 0.

layout(push_constant, scalar) uniform Push {
#ifdef MODULATE
  uint64_t x, gate, add, heat, out_;
  uint n, d, per, ldm, ldh;
#else
  uint64_t x, gate, add, out_;
  uint n, d, per, ldm;
#endif
} p;

void main() {
  uint r = group();
  if (r >= p.n) return;
  uint64_t row = 4ul * uint64_t(r) * p.d, gate = p.gate + 4ul * uint64_t(r / p.per) * p.ldm;
  uint pairs = (p.d + 1) / 2;
#ifdef MODULATE
  uint64_t shift = p.add + (gate - p.gate);
  float heat = F32(present(p.heat, p.x)).v[p.heat != 0 ? r / p.per * p.ldh : 0];
  if (p.heat == 0) heat = 1;
  OVER(i, pairs, store2(p.out_ + row, i, p.d, (1 + load2(gate, i, p.d)) * load2(p.x + row, i, p.d) + heat * load2(shift, i, p.d));)
#else
  OVER(i, pairs,
    vec2 y = load2(gate, i, p.d) * load2(p.x + row, i, p.d);
    if (p.add != 0) y += load2(p.add + row, i, p.d);
    store2(p.out_ + row, i, p.d, y);
  )
#endif
}
