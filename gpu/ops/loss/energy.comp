#version 460
//morton:variant energy
#include "morton.glsl"

// One workgroup does one row of a, b and y, [n, c]:
//   loss = |a - y| + |b - y| - |a - b|
// and the gradients of a and b, which may replace them. The gradient of a length of 0 is 0.

layout(constant_id = 1) const uint GRAD = 1;

layout(push_constant, scalar) uniform Push {
  uint64_t a, b, y, weight, loss, da, db;
  uint n, c;
} p;

float inverse_(float x) { return x > 0 ? 1 / x : 0; }

void main() {
  uint r = group();
  if (r >= p.n) return;
  uint64_t at = 4ul * uint64_t(r) * p.c;
  F32 a = F32(p.a + at), b = F32(p.b + at), y = F32(p.y + at), da = F32(p.da + at), db = F32(p.db + at);
  vec3 sum = vec3(0);
  for (uint i = LANE; i < p.c; i += W) {
    vec3 e = vec3(a.v[i] - y.v[i], b.v[i] - y.v[i], a.v[i] - b.v[i]);
    sum += e * e;
  }
  float weight = F32(p.weight).v[r];
  vec3 l = sqrt(vec3(subgroupAdd(sum.x), subgroupAdd(sum.y), subgroupAdd(sum.z)));
  if (GRAD != 0) {
    vec3 by = weight * vec3(inverse_(l.x), inverse_(l.y), inverse_(l.z));
    for (uint i = LANE; i < p.c; i += W) {
      float u = a.v[i], v = b.v[i], t = y.v[i];
      da.v[i] = weight == 0 ? 0 : (u - t) * by.x - (u - v) * by.z;
      db.v[i] = weight == 0 ? 0 : (v - t) * by.y + (u - v) * by.z;
    }
  }
  if (LANE == 0) F32(p.loss).v[r] = weight == 0 ? 0 : l.x + l.y - l.z;
}
