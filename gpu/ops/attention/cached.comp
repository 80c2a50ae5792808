#version 460
//morton:variant cached
#extension GL_EXT_control_flow_attributes : require
#include "morton.glsl"

// One workgroup computes one head of one row, over the len[row] first keys of
// its sequence, in one pass with a running maximum:
//
//   out[c] = sum_k exp(s[k] - max) · v[k, c] / sum_k exp(s[k] - max),  s[k] = scale · q·k[k]
//
// q and out have row strides ldq and ldo; the caches are [b, s, heads·DH]. Keys
// come in blocks of B·W. For the dot products a lane owns a key (64-bit loads
// along it, the query broadcast from registers); for the sums a lane owns pairs
// of columns (probabilities broadcast). Scores sum in one accumulator in the
// order of columns; sums over keys in the order of keys, rescaled once a block.

layout(constant_id = 1) const uint DH = 64; // even

layout(push_constant, scalar) uniform Push {
  uint64_t q, ck, cv, seq, len, dst;
  uint rows, heads, ldq, ldo, b, s;
  float scale;
} p;

const uint B = 2;
const uint PAIRS = DH / 2;
const uint R = (PAIRS + W - 1) / W; // pairs of columns a lane owns
const float LOWEST = -3.4e38;

vec2 q[R], acc[R];
float top = LOWEST, total = 0; // total is the lane's own part

uint owned(uint j) { return min(j * W + LANE, PAIRS - 1); }

// block adds the B·W keys from k0 on, of which those before n count.
void block(uint64_t keys, uint64_t values, uint64_t stride, uint k0, uint n) {
  uint64_t krow[B];
  float s[B];
  [[unroll]] for (uint i = 0; i < B; i++) {
    krow[i] = keys + stride * min(k0 + i * W + LANE, n - 1);
    s[i] = 0;
  }
  [[unroll]] for (uint j = 0; j < R; j++) {
    [[unroll]] for (uint l = 0; l < W; l++) {
      if (j * W + l < PAIRS) {
        float x = subgroupBroadcast(q[j].x, l), y = subgroupBroadcast(q[j].y, l);
        [[unroll]] for (uint i = 0; i < B; i++) {
          vec2 k = floats(F32x2(krow[i]).v[j * W + l]);
          s[i] = fma(k.y, y, fma(k.x, x, s[i]));
        }
      }
    }
  }
  float high = LOWEST;
  [[unroll]] for (uint i = 0; i < B; i++) high = max(high, s[i]); // a clamped key repeats the last
  high = max(top, subgroupMax(high));
  float fade = exp(top - high);
  top = high;
  total *= fade;
  [[unroll]] for (uint j = 0; j < R; j++) acc[j] *= fade;
  [[unroll]] for (uint i = 0; i < B; i++) {
    s[i] = k0 + i * W + LANE < n ? exp(s[i] - top) : 0;
    total += s[i];
  }
  [[unroll]] for (uint i = 0; i < B; i++) {
    [[unroll]] for (uint l = 0; l < W; l++) {
      float w = subgroupBroadcast(s[i], l);
      F32x2 v = F32x2(values + stride * min(k0 + i * W + l, n - 1));
      [[unroll]] for (uint j = 0; j < R; j++) acc[j] = fma(floats(v.v[owned(j)]), vec2(w), acc[j]);
    }
  }
}

void main() {
  uint g = group(), row = g / p.heads, head = g % p.heads;
  if (row >= p.rows) return;
  int seq = I32(p.seq).v[row];
  int len = min(I32(p.len).v[row], int(p.s));
  uint n = seq < 0 || seq >= int(p.b) || len < 0 ? 0 : uint(len);

  F32x2 query = F32x2(p.q + 4ul * (uint64_t(row) * p.ldq + head * DH));
  [[unroll]] for (uint j = 0; j < R; j++) {
    q[j] = floats(query.v[owned(j)]) * p.scale;
    acc[j] = vec2(0);
  }
  uint64_t at = 4ul * (uint64_t(n > 0 ? seq : 0) * p.s * p.heads + head) * DH;
  for (uint k0 = 0; k0 < n; k0 += B * W) block(p.ck + at, p.cv + at, 4ul * p.heads * DH, k0, n);

  total = subgroupAdd(total);
  float inv = total == 0 ? 0 : 1 / total;
  F32x2 dst = F32x2(p.dst + 4ul * (uint64_t(row) * p.ldo + head * DH));
  [[unroll]] for (uint j = 0; j < R; j++) {
    if (j * W + LANE < PAIRS) dst.v[j * W + LANE] = pack64(floatBitsToUint(acc[j] * inv));
  }
}
