#version 460
//morton:variant mse
#include "morton.glsl"
#include "pairs.glsl"

// One workgroup takes one row; lanes stride over pairs. With k = weight·rowWeight[r]:
//   loss[r] = k·sum_c (x[r, c] - y[r, c])²
//   dx[r, c] = 2·k·(x[r, c] - y[r, c])
// x, y and dx are [n, d], loss and rowWeight [n]; dx and rowWeight are optional.
// Where k is 0 the row's loss and gradient are 0, whatever x and y hold. A lane
// reads what it then writes, so dx may be x or y.

layout(push_constant, scalar) uniform Push {
  uint64_t x, y, rowWeight, loss, dx;
  uint n, d;
  float weight;
} p;

void main() {
  uint r = group();
  if (r >= p.n) return;
  float k = p.weight;
  if (p.rowWeight != 0) k *= F32(p.rowWeight).v[r];
  uint64_t at = 4ul * uint64_t(r) * p.d;
  uint pairs = (p.d + 1) / 2;
  vec2 s = vec2(0);
  for (uint i = LANE; i < pairs; i += W) {
    vec2 e = load2(p.x + at, i, p.d) - load2(p.y + at, i, p.d);
    s += e * e;
    if (p.dx != 0) store2(p.dx + at, i, p.d, k == 0 ? vec2(0) : 2 * k * e);
  }
  float sum = subgroupAdd(s.x + s.y);
  if (LANE == 0) F32(p.loss).v[r] = k == 0 ? 0 : k * sum;
}
