#version 460
//morton:variant cached_1 -DT=1
//morton:variant cached_4 -DT=4
#extension GL_EXT_control_flow_attributes : require
#include "morton.glsl"

// One workgroup computes one head of T rows, each over the len[row] first keys
// of its sequence, in one pass with a running maximum:
//
//   out[c] = sum_k exp(s[k] - max) · v[k, c] / sum_k exp(s[k] - max),  s[k] = scale · q·k[k]
//
// q and out have row strides ldq and ldo; the caches are [b, s, heads·DH]. Keys
// come in blocks of B·W. For the dot products a lane owns a key (64-bit loads
// along it, the queries broadcast from registers); for the sums a lane owns pairs
// of columns (probabilities broadcast). Scores sum in one accumulator in the
// order of columns; sums over keys in the order of keys, rescaled once a block.
// Rows of one sequence share the loads; rows of several take turns. Either way a
// row goes through the same operations in the same order as with T = 1.

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

vec2 q[T][R], acc[T][R];
float top[T], total[T]; // total is the lane's own part
uint n[T];              // keys each row sees in this turn

uint owned(uint j) { return min(j * W + LANE, PAIRS - 1); }

// weigh turns a row's scores of one block into weights and rescales its sums; a
// row whose keys ended before the block keeps its state by a bit.
void weigh(uint t, uint k0, inout float s[B]) {
  bool live = k0 < n[t];
  float high = LOWEST;
  [[unroll]] for (uint i = 0; i < B; i++) {
    if (k0 + i * W + LANE >= n[t]) s[i] = LOWEST;
    high = max(high, s[i]);
  }
  high = max(top[t], subgroupMax(high));
  float fade = live ? exp(top[t] - high) : 1;
  top[t] = live ? high : top[t];
  precise float sum = total[t] * fade;
  [[unroll]] for (uint i = 0; i < B; i++) {
    s[i] = k0 + i * W + LANE < n[t] ? exp(s[i] - high) : 0;
    sum += s[i];
  }
  total[t] = live ? sum : total[t];
  [[unroll]] for (uint j = 0; j < R; j++) acc[t][j] *= fade;
}

// block adds the B·W keys from k0 on; most is the number of keys that may be read.
void block(uint64_t keys, uint64_t values, uint64_t stride, uint k0, uint most) {
  uint64_t krow[B];
  float s[T][B];
  [[unroll]] for (uint i = 0; i < B; i++) {
    krow[i] = keys + stride * min(k0 + i * W + LANE, most - 1);
    [[unroll]] for (uint t = 0; t < T; t++) s[t][i] = 0;
  }
  [[unroll]] for (uint j = 0; j < R; j++) {
    [[unroll]] for (uint l = 0; l < W; l++) {
      if (j * W + l < PAIRS) {
        vec2 k[B];
        [[unroll]] for (uint i = 0; i < B; i++) k[i] = floats(F32x2(krow[i]).v[j * W + l]);
        [[unroll]] for (uint t = 0; t < T; t++) {
          float x = subgroupBroadcast(q[t][j].x, l), y = subgroupBroadcast(q[t][j].y, l);
          [[unroll]] for (uint i = 0; i < B; i++) s[t][i] = fma(k[i].y, y, fma(k[i].x, x, s[t][i]));
        }
      }
    }
  }
  [[unroll]] for (uint t = 0; t < T; t++) weigh(t, k0, s[t]);
  vec2 sum[T][R];
  [[unroll]] for (uint t = 0; t < T; t++) [[unroll]] for (uint j = 0; j < R; j++) sum[t][j] = acc[t][j];
  [[unroll]] for (uint i = 0; i < B; i++) {
    [[unroll]] for (uint l = 0; l < W; l++) {
      F32x2 row = F32x2(values + stride * min(k0 + i * W + l, most - 1));
      vec2 v[R];
      [[unroll]] for (uint j = 0; j < R; j++) v[j] = floats(row.v[owned(j)]);
      [[unroll]] for (uint t = 0; t < T; t++) {
        float w = subgroupBroadcast(s[t][i], l);
        [[unroll]] for (uint j = 0; j < R; j++) sum[t][j] = fma(v[j], vec2(w), sum[t][j]);
      }
    }
  }
  // A NaN among another row's values must not reach a row through a weight of 0.
  [[unroll]] for (uint t = 0; t < T; t++)
    [[unroll]] for (uint j = 0; j < R; j++) acc[t][j] = k0 < n[t] ? sum[t][j] : acc[t][j];
}

void main() {
  uint g = group(), row0 = g / p.heads * T, head = g % p.heads;
  if (row0 >= p.rows) return;
  uint len[T];
  int seq[T], any = -1;
  bool together = true;
  [[unroll]] for (uint t = 0; t < T; t++) {
    uint row = min(row0 + t, p.rows - 1);
    seq[t] = I32(p.seq).v[row];
    int l = min(I32(p.len).v[row], int(p.s));
    len[t] = row0 + t >= p.rows || seq[t] < 0 || seq[t] >= int(p.b) || l < 0 ? 0 : uint(l);
    if (len[t] > 0) {
      together = together && (any < 0 || any == seq[t]);
      any = seq[t];
    }
    F32x2 query = F32x2(p.q + 4ul * (uint64_t(row) * p.ldq + head * DH));
    [[unroll]] for (uint j = 0; j < R; j++) {
      q[t][j] = floats(query.v[owned(j)]) * p.scale;
      acc[t][j] = vec2(0);
    }
    top[t] = LOWEST;
    total[t] = 0;
  }

  uint turns = together ? 1 : T;
  for (uint turn = 0; turn < turns; turn++) {
    uint most = 0;
    int from = any;
    [[unroll]] for (uint t = 0; t < T; t++) {
      n[t] = together || t == turn ? len[t] : 0;
      most = max(most, n[t]);
      if (!together && t == turn) from = seq[t];
    }
    uint64_t at = 4ul * (uint64_t(most > 0 ? from : 0) * p.s * p.heads + head) * DH;
    for (uint k0 = 0; k0 < most; k0 += B * W) block(p.ck + at, p.cv + at, 4ul * p.heads * DH, k0, most);
  }

  [[unroll]] for (uint t = 0; t < T; t++) {
    float sum = subgroupAdd(total[t]);
    float inv = sum == 0 ? 0 : 1 / sum;
    F32x2 dst = F32x2(p.dst + 4ul * (uint64_t(row0 + t) * p.ldo + head * DH));
    [[unroll]] for (uint j = 0; j < R; j++) {
      vec2 x = acc[t][j] * inv;
      if (row0 + t < p.rows && j * W + LANE < PAIRS) dst.v[j * W + LANE] = pack64(floatBitsToUint(x));
    }
  }
}
