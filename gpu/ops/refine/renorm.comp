#version 460
//morton:variant renorm
//morton:variant renorm_dot -DDOT
#include "morton.glsl"
#include "philox.glsl"
#include "sincos.glsl"
#include "normal.glsl"
#include "present.glsl"
// What guidance says is scaled back over a whole map of tokens, in two kernels, see
// renorm.go. said is f32 [b·m, c], table [passes, 6], info [m, iw], rest [canvases, l, c+1]:
// the map's numbers, and 1 for a token that no draw of the step is.
//   renorm_dot: a workgroup a draw, out [m, 2] = sums over columns of c·c and g·g, g being
//     u + s(c - o) of the first two branches and the last one.
//   renorm: a workgroup a draw, of which the first of a request works: out [m] = the factor
//     of all its draws. In the first pass it fills the rest of the map with noise; in each
//     it moves the rest by the pass.
layout(constant_id = 1) const uint BRANCHES = 1;
layout(constant_id = 2) const uint RECORDED = 0;
layout(push_constant, scalar) uniform Push {
  uint64_t said, table, draw, info, at, sums, recorded; // in
  uint64_t rest, out_;                                  // rest in and out
  uint m, c, iw, l, positions, entries;
  float least;
} p;

F32 info(uint i) { return F32(p.info + 4ul * uint64_t(i) * p.iw); }

// guided reports whether guidance moves draw i in a pass.
bool guided(uint i, F32 t) {
  bool moves = false;
  for (uint b = 0; b + 1 < BRANCHES; b++) moves = moves || info(i).v[b == 0 ? 1 : 3 + b] != 1;
  return BRANCHES > 1 && t.v[5] == 0 && info(i).v[3] != 0 && moves;
}

F32 pass(uint i) { return F32(p.table + 24ul * uint(I32(p.at).v[i])); }

#ifdef DOT
void main() {
  uint i = group();
  if (i >= p.m) return;
  F32 o = F32(p.out_ + 8ul * i);
  float cc = 0, gg = 0;
  if (I32(p.at).v[i] >= 0 && guided(i, pass(i))) {
    F32 x = F32(p.said + 4ul * uint64_t(i) * p.c), y = F32(p.said + 4ul * (uint64_t(i) + p.m) * p.c);
    F32 u = F32(p.said + 4ul * (uint64_t(i) + (BRANCHES - 1) * p.m) * p.c);
    float s = info(i).v[1];
    for (uint j = LANE; j < p.c; j += W) {
      float c = x.v[j];
      precise float g = u.v[j] + s * (c - y.v[j]);
      cc += c * c;
      gg += g * g;
    }
  }
  cc = subgroupAdd(cc);
  gg = subgroupAdd(gg);
  if (LANE == 0) {
    o.v[0] = cc;
    o.v[1] = gg;
  }
}
#else
// same reports whether draws i and j are of one request.
bool same(uint i, uint j) { return j < p.m && I32(p.at).v[j] >= 0 && info(i).v[2] == info(j).v[2]; }

// noise returns numbers 4b to 4b+3 of a token of the map in a pass. Each set of a request has
// its own: the place of its first draw tells sets apart.
vec4 noise(U32 d, uint canvas, uint token, uint b, uint number) {
  uint position = d.v[3] / p.l * p.l + token;
  if (RECORDED == 0) return normals(philox(uvec4(b, position, d.v[2], 1u << 31 | d.v[3] % p.l << 10 | number), uvec2(d.v[0], d.v[1])));
  F32 from = F32(p.recorded + 4ul * ((uint64_t(canvas) * p.positions + min(position, p.positions - 1)) * p.entries + min(number, p.entries - 1)) * p.c);
  vec4 z = vec4(0);
  for (uint k = 0; k < 4; k++) if (4 * b + k < p.c) z[k] = from.v[4 * b + k];
  return z;
}

void main() {
  uint i = group();
  if (i >= p.m || I32(p.at).v[i] < 0 || i > 0 && same(i, i - 1)) return;
  U32 d = U32(p.draw + 32ul * i);
  F32 t = pass(i);
  uint canvas = uint(info(i).v[2]), number = uint(I32(p.at).v[i]) - d.v[4], wide = p.c + 1, blocks = (p.c + 3) / 4;
  F32 rest = F32(p.rest + 4ul * uint64_t(canvas) * p.l * wide);
  if (number == 0) {
    for (uint k = LANE; k < p.l * blocks; k += W) {
      vec4 z = noise(d, canvas, k / blocks, k % blocks, 0);
      for (uint j = 0; j < 4; j++) if (4 * (k % blocks) + j < p.c) rest.v[k / blocks * wide + 4 * (k % blocks) + j] = z[j];
    }
    for (uint k = LANE; k < p.l; k += W) rest.v[k * wide + p.c] = 1;
    subgroupBarrier();
    for (uint j = i + LANE; same(i, j); j += W) rest.v[U32(p.draw + 32ul * j).v[3] % p.l * wide + p.c] = 0;
    subgroupBarrier();
  }
  float back = 1;
  if (guided(i, t)) {
    float cc = 0, gg = 0, r = 0;
    for (uint j = i + LANE; same(i, j); j += W) {
      cc += F32(p.sums + 8ul * j).v[0];
      gg += F32(p.sums + 8ul * j).v[1];
    }
    for (uint k = LANE; k < p.l * p.c; k += W) {
      float x = rest.v[k / p.c * wide + k % p.c];
      r += rest.v[k / p.c * wide + p.c] * x * x;
    }
    r = subgroupAdd(r);
    cc = subgroupAdd(cc) + r;
    gg = subgroupAdd(gg) + r;
    back = gg > 0 ? clamp(sqrt(cc / gg), p.least, 1) : 1;
  }
  for (uint j = i + LANE; same(i, j); j += W) F32(p.out_).v[j] = back;
  float heat = t.v[4] * info(i).v[0] * exp(0.5 * t.v[2]);
  for (uint k = LANE; k < p.l * blocks; k += W) {
    vec4 z = heat != 0 ? noise(d, canvas, k / blocks, k % blocks, number + 1) : vec4(0);
    for (uint j = 0; j < 4; j++) {
      uint at = k / blocks * wide + 4 * (k % blocks) + j;
      if (4 * (k % blocks) + j < p.c) rest.v[at] = (t.v[0] + t.v[1] * back) * rest.v[at] + heat * z[j];
    }
  }
}
#endif
