#version 460
//morton:variant project -DAPPLY
//morton:variant project_dot -DDOT
//morton:variant project_sum -DSUM
#include "morton.glsl"
// Guidance without its part along the condition, in three kernels. x is [2·m, v], the
// logits c of m draws, then those of the branch without condition, u; d = c - u. picks is
// i32 [2·m], -1 for a draw that a branch lacks: then d = 0.
//   project_dot: a workgroup a draw, out [m, 3] = sums of d·d, d·c and c·c over columns.
//   project_sum: a workgroup a request of n draws, out [m / n, 2] = what d and c are
//     multiplied by: k = min(1, threshold / rms(d)), and along·k·(d·c)/(c·c).
//   project: a workgroup a draw, out [m, v] = c + (scale - 1)·(k·d - j·c).
// A sum over draws carries its rounding errors along: there may be thousands.
layout(push_constant, scalar) uniform Push {
  uint64_t x, picks, scale, factors, out_;
  uint m, v, n;
  float threshold, along;
} p;

bool guided(uint r) { return I32(p.picks).v[r] >= 0 && I32(p.picks).v[p.m + r] >= 0; }

#ifdef SUM
void add(inout float sum, inout float lost, float x) {
  precise float y = x - lost, t = sum + y;
  precise float moved = t - sum;
  lost = moved - y;
  sum = t;
}

void main() {
  uint s = group();
  if (s >= p.m / p.n) return;
  vec3 sum = vec3(0), lost = vec3(0);
  for (uint i = LANE; i < p.n; i += W)
    for (uint j = 0; j < 3; j++) add(sum[j], lost[j], F32(p.factors + 12ul * (uint64_t(s) * p.n + i)).v[j]);
  float dd = subgroupAdd(sum.x), dc = subgroupAdd(sum.y), cc = subgroupAdd(sum.z);
  float rms = sqrt(dd / (float(p.n) * float(p.v))), k = p.threshold > 0 && rms > p.threshold ? p.threshold / rms : 1;
  if (LANE == 0) {
    F32 o = F32(p.out_ + 8ul * s);
    o.v[0] = k;
    o.v[1] = cc > 0 ? p.along * k * (dc / cc) : 0;
  }
}
#else
void main() {
  uint r = group();
  if (r >= p.m) return;
  F32 c = F32(p.x + 4ul * uint64_t(r) * p.v), u = F32(p.x + 4ul * uint64_t(p.m + r) * p.v);
#ifdef DOT
  vec3 sum = vec3(0);
  if (guided(r))
    for (uint i = LANE; i < p.v; i += W) {
      float a = c.v[i], d = a - u.v[i];
      sum += vec3(d * d, d * a, a * a);
    }
  sum = vec3(subgroupAdd(sum.x), subgroupAdd(sum.y), subgroupAdd(sum.z));
  if (LANE < 3) F32(p.out_ + 12ul * uint64_t(r)).v[LANE] = sum[LANE];
#else
  float s = F32(p.scale).v[r];
  bool moves = guided(r) && s != 1 && r / p.n < p.m / p.n;
  F32 f = F32(p.factors + 8ul * (moves ? r / p.n : 0)), o = F32(p.out_ + 4ul * uint64_t(r) * p.v);
  for (uint i = LANE; i < p.v; i += W) {
    float a = c.v[i];
    if (moves) {
      precise float moved = a + (s - 1) * (f.v[0] * (a - u.v[i]) - f.v[1] * a);
      a = moved;
    }
    o.v[i] = a;
  }
#endif
}
#endif
