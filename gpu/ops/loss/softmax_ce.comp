#version 460
//morton:variant softmax_ce
#extension GL_EXT_control_flow_attributes : require
#include "morton.glsl"

// One workgroup does one row of x [n, v]: an online log-sum-exp (each lane keeps
// its maximum and its sum, rescaled once every 2U elements), then the gradient.
// dx may be x: a lane reads an element and then writes it. Lanes take pairs of
// columns, by one 64-bit load if v is even (EVEN). Against the oracle: exp errs
// by (3 + 2|x|)·2^-23 relative, the sum by (v/W + log W)·2^-24.

layout(constant_id = 1) const uint EVEN = 1;
layout(constant_id = 2) const uint WEIGHT = 1;
layout(constant_id = 3) const uint GRAD = 1;

layout(push_constant, scalar) uniform Push {
  uint64_t x, target, weight, loss, dx;
  uint n, v;
} p;

const uint U = 4;
const float LOWEST = -3.4e38;

uint64_t row;
uint pairs;

// load reads pair i, whose index is clamped; what lies outside is LOWEST.
vec2 load(uint i) {
  uint c = min(i, pairs - 1);
  vec2 x;
  if (EVEN != 0) {
    x = floats(F32x2(row).v[c]);
  } else {
    F32 f = F32(row);
    x = vec2(f.v[2 * c], f.v[min(2 * c + 1, p.v - 1)]);
    if (2 * c + 1 >= p.v) x.y = LOWEST;
  }
  return i < pairs ? x : vec2(LOWEST);
}

void store(uint64_t to, uint c, vec2 g) {
  if (c >= pairs) return;
  if (EVEN != 0) {
    F32x2(to).v[c] = pack64(floatBitsToUint(g));
  } else {
    F32(to).v[2 * c] = g.x;
    if (2 * c + 1 < p.v) F32(to).v[2 * c + 1] = g.y;
  }
}

void main() {
  uint g = group();
  if (g >= p.n) return;
  row = p.x + 4ul * uint64_t(g) * p.v;
  pairs = (p.v + 1) / 2;
  int target = I32(p.target).v[g];

  float top = LOWEST, sum = 0;
  for (uint base = 0; base < pairs; base += U * W) {
    vec2 x[U];
    float high = top;
    [[unroll]] for (uint u = 0; u < U; u++) x[u] = load(base + u * W + LANE);
    [[unroll]] for (uint u = 0; u < U; u++) high = max(high, max(x[u].x, x[u].y));
    sum *= exp(top - high);
    top = high;
    [[unroll]] for (uint u = 0; u < U; u++) {
      vec2 e = exp(x[u] - top);
      sum += (x[u].x == LOWEST ? 0 : e.x) + (x[u].y == LOWEST ? 0 : e.y);
    }
  }
  float best = subgroupMax(top);
  sum = subgroupAdd(sum * exp(top - best));

  bool known = target >= 0, valid = target < int(p.v);
  float loss = 0;
  if (known) loss = valid ? log(sum) - (F32(row).v[valid ? target : 0] - best) : uintBitsToFloat(0x7fc00000u);
  if (LANE == 0) F32(p.loss).v[g] = loss;
  if (GRAD == 0) return;

  float weight = WEIGHT != 0 ? F32(p.weight).v[g] : 1;
  if (!valid) weight = uintBitsToFloat(0x7fc00000u);
  float share = weight / sum;
  uint64_t to = p.dx + 4ul * uint64_t(g) * p.v;
  uint hit = known && valid ? uint(target) : 0xffffffffu;
  for (uint base = 0; base < pairs; base += U * W) {
    [[unroll]] for (uint u = 0; u < U; u++) {
      uint c = base + u * W + LANE;
      vec2 d = exp(load(c) - best) * share;
      if (2 * c == hit) d.x -= weight;
      if (2 * c + 1 == hit) d.y -= weight;
      store(to, c, known ? d : vec2(0));
    }
  }
}
