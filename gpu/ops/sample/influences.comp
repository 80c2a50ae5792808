#version 460
//morton:variant influences
#include "morton.glsl"
// One lane writes the four largest of the logits of a row m of [m, c, k], of kind `kind` and
// of the candidates that the row of Draw allows (see softmax.comp), as reals: the number of the
// candidate times SCALE, and its share of the four's softmax in parts of SCALE - 1. The shares
// sum to that. Equal logits go by their order. What is not there is 0. A row that draws
// nothing writes nothing.
layout(push_constant, scalar) uniform Push { uint64_t logits, draw, out_; uint rows, c, k, kind; } p;

const uint MOST = 4;
const uint SCALE = 4096;

void main() {
  uint m = group() * W + LANE;
  if (m >= p.rows) return;
  U32 d = U32(p.draw + 32ul * m);
  if (d.v[7] == 0) return;
  uint lo = d.v[4], hi = min(d.v[5] & 0xffffffu, p.c);
  F32 x = F32(p.logits + 4ul * uint64_t(m) * p.c * p.k);
  uint best[MOST];
  float top[MOST];
  uint n = 0;
  for (uint i = lo; i < hi; i++) {
    float y = x.v[i * p.k + p.kind];
    uint at = n;
    while (at > 0 && y > top[at - 1]) at--;
    if (at >= MOST) continue;
    n = min(n + 1, MOST);
    for (uint j = n - 1; j > at; j--) {
      best[j] = best[j - 1];
      top[j] = top[j - 1];
    }
    best[at] = i;
    top[at] = y;
  }
  float sum = 0;
  for (uint j = 0; j < n; j++) sum += exp(top[j] - top[0]);
  uint left = SCALE - 1;
  uint share[MOST];
  for (uint j = n; j-- > 1;) {
    share[j] = min(uint(exp(top[j] - top[0]) / sum * float(SCALE - 1) + 0.5), left);
    left -= share[j];
  }
  F32 o = F32(p.out_ + 16ul * m);
  for (uint j = 0; j < MOST; j++) {
    uint part = j == 0 ? left : j < n ? share[j] : 0;
    o.v[j] = part > 0 && j < n ? float(best[j] * SCALE + part) : 0;
  }
}
