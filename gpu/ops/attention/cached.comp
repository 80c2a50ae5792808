#version 460
//morton:variant cached
//morton:variant cached_types16 -DTYPES16
//morton:variant cached_cache32 -DCACHE32
#extension GL_EXT_control_flow_attributes : require
#include "morton.glsl"
#include "half.glsl"
#include "page.glsl"
#include "present.glsl"

// One workgroup computes T queries of one head of keys, entry e being head
// e % group of the group and row e / group, each over the slots it sees, in one
// pass with a running maximum:
//
//   out[c] = sum_k exp(s[k] - max) · v[k, c] / sum_k exp(s[k] - max),  s[k] = scale · q·k[k]
//
// q and out have row strides ldq and ldo; the cache is paged, see page.glsl. A
// row sees [len - window, len), or of that the parts in its ranges [lo, hi), one
// after the other. In a pattern these are by sequence, head of keys, and block of the slot
// that the row has itself, see pattern.go. Slots come in blocks of B·W, which begin at multiples of B·W
// whatever a row sees, and never cross a page. For the dot products a lane owns a
// slot (64-bit loads of four halves along it, the queries broadcast from
// registers); for the sums a lane owns four columns (probabilities broadcast).
// Scores sum in one accumulator in the order of columns; sums in the order of
// slots, rescaled once a block. Entries of one sequence that see the same ranges
// share the loads; others take turns. Either way an entry goes through the same
// operations in the same order as with T = 1.

layout(constant_id = 1) const uint DH = 64; // even
layout(constant_id = 2) const uint T = 1;
layout(constant_id = 3) const uint PATTERN = 0; // 1: ranges are those of a pattern

layout(push_constant, scalar) uniform Push {
  uint64_t q, ck, cv, table, seq, len, ranges, at, dst;
  uint rows, kvheads, group, ldq, ldo, seqs, perSeq, pages, shift, window, nranges;
  float scale;
  uint block, blocks; // of a pattern: slots of a block, and blocks
} p;

#define EACH [[unroll]] for
const uint B = W <= 16 ? 4 : 64 / W; // B·W is at most the least page, 64
const uint SPAN = B * W;
const uint PAIRS = DH / 2;
const uint LINE = 16; // words in a line of the cache
#ifdef CACHE32
#define WORDS DH // of a row of a head
#else
#define WORDS PAIRS
#endif
const uint QUADS = (DH + 3) / 4;
const uint R = (QUADS + W - 1) / W; // quads of columns a lane owns
const float LOWEST = -1e38;

vec4 q[T][R], acc[T][R];
float top[T], total[T]; // total is the lane's own part
int lo[T], hi[T];       // slots an entry sees in this turn and range
int seq[T], len[T];
bool mapped;            // the block at hand has a page; without, nobody sees it

uint owned(uint j) { return min(j * W + LANE, QUADS - 1); }

vec2 pair(uint w) { return vec2(halfOf(w, 0, p.rows >> 31), halfOf(w, 1, p.rows >> 31)); }

// quad returns elements 4c to 4c+3 of a row of the cache; past the end it gives 0.
#ifdef CACHE32
vec4 quad(uint64_t at, uint c) {
  vec2 y = floats(F32x2(at).v[min(2 * c + 1, PAIRS - 1)]);
  return vec4(floats(F32x2(at).v[2 * c]), 2 * c + 1 < PAIRS ? y : vec2(0));
}
#else
vec4 quad(uint64_t at, uint c) {
  if (DH % 4 == 0) {
    uvec2 x = unpack32(F32x2(at).v[c]);
    return vec4(pair(x.x), pair(x.y));
  }
  vec2 y = pair(U32(at).v[min(2 * c + 1, PAIRS - 1)]);
  return vec4(pair(U32(at).v[2 * c]), 2 * c + 1 < PAIRS ? y : vec2(0));
}
#endif

bool live(uint t, int k0) { return mapped && k0 + int(SPAN) > lo[t] && k0 < hi[t]; }

// weigh turns an entry's scores of one block into weights and rescales its sums;
// an entry that sees nothing of the block keeps its state by a bit.
void weigh(uint t, int k0, inout float s[B]) {
  bool on = live(t, k0);
  float high = LOWEST;
  EACH(uint i = 0; i < B; i++) {
    int k = k0 + int(i * W + LANE);
    s[i] = mapped && k >= lo[t] && k < hi[t] ? s[i] : LOWEST;
    high = max(high, s[i]);
  }
  high = max(top[t], subgroupMax(high));
  float fade = on ? exp(top[t] - high) : 1;
  top[t] = on ? high : top[t];
  precise float sum = total[t] * fade;
  EACH(uint i = 0; i < B; i++) {
    s[i] = s[i] == LOWEST ? 0 : exp(s[i] - high);
    sum += s[i];
  }
  total[t] = on ? sum : total[t];
  EACH(uint j = 0; j < R; j++) acc[t][j] *= fade;
}

// add adds the values of slot n of a block, times the entries' weights of it, which
// are s[t][n / W] of lane n % W.
void add(uint64_t at, uint n, float s[T][B], inout vec4 sum[T][R]) {
  vec4 v[R];
  EACH(uint j = 0; j < R; j++) v[j] = quad(at, owned(j));
  EACH(uint t = 0; t < T; t++) {
    float w = subgroupBroadcast(s[t][n / W], n % W);
    EACH(uint j = 0; j < R; j++) sum[t][j] = fma(v[j], vec4(w), sum[t][j]);
  }
}

// block adds the slots from k0 on, whose keys and values begin at keys and values;
// entries see slots from `first` to `last` of them, and none outside is read.
void block(uint64_t keys, uint64_t values, uint stride, int k0, int first, int last) {
  uint64_t krow[B];
  float s[T][B];
  EACH(uint i = 0; i < B; i++) {
    krow[i] = keys + uint64_t(stride * uint(clamp(k0 + int(i * W + LANE), first, last) - k0));
    EACH(uint t = 0; t < T; t++) s[t][i] = 0;
  }
  // Every line of the values is asked for at once, while the keys are worked on. The
  // compiler can't know that nothing comes of it.
  uint asked = 0;
  EACH(uint i = 0; i < B; i++) EACH(uint c = 0; c < WORDS; c += LINE) asked |= U32(krow[i] - keys + values).v[c];
  EACH(uint t = 0; t < T; t++) s[t][0] = uintBitsToFloat(asked & p.rows >> 31);
  EACH(uint j = 0; j < R; j++) {
    EACH(uint l = 0; l < W; l++) {
      if (j * W + l < QUADS) {
        vec4 k[B];
        EACH(uint i = 0; i < B; i++) k[i] = quad(krow[i], j * W + l);
        EACH(uint t = 0; t < T; t++) {
          EACH(uint c = 0; c < 4; c++) {
            float x = subgroupBroadcast(q[t][j][c], l);
            EACH(uint i = 0; i < B; i++) s[t][i] = fma(k[i][c], x, s[t][i]);
          }
        }
      }
    }
  }
  EACH(uint t = 0; t < T; t++) weigh(t, k0, s[t]);
  vec4 sum[T][R];
  EACH(uint t = 0; t < T; t++) EACH(uint j = 0; j < R; j++) sum[t][j] = acc[t][j];
  if (last - first == int(SPAN) - 1) {
    EACH(uint n = 0; n < SPAN; n++) add(values + stride * n, n, s, sum);
  } else {
    EACH(uint n = 0; n < SPAN; n++) add(values + uint64_t(stride * uint(clamp(k0 + int(n), first, last) - k0)), n, s, sum);
  }
  // A NaN among another entry's values must not reach an entry through a weight of 0.
  EACH(uint t = 0; t < T; t++) EACH(uint j = 0; j < R; j++) acc[t][j] = live(t, k0) ? sum[t][j] : acc[t][j];
}

// rangesOf is where the ranges of a row begin.
uint64_t rangesOf(uint row, uint kh) {
  uint64_t i = row;
  if (PATTERN != 0) {
    uint s = uint(clamp(I32(p.seq).v[row], 0, int(p.seqs) - 1)), own = uint(max(I32(present(p.at, p.len)).v[row], 0));
    i = (uint64_t(s) * p.kvheads + kh) * p.blocks + min(own / p.block, p.blocks - 1);
  }
  return present(p.ranges, p.len) + 8ul * i * p.nranges;
}

// range sets what the entries of a turn see of range g, and returns the bounds of
// it all.
ivec2 range(uint e0, uint kh, uint g, uint turn, bool together) {
  ivec2 all = ivec2(0x7fffffff, 0);
  EACH(uint t = 0; t < T; t++) {
    uint row = min((e0 + t) / p.group, p.rows - 1);
    I32 list = I32(rangesOf(row, kh) + 8ul * g);
    ivec2 r = ivec2(max(list.v[0], 0), min(list.v[1], len[t]));
    if (p.nranges == 0) r = ivec2(0, len[t]);
    if (p.window > 0) r.x = max(r.x, len[t] - int(p.window));
    bool on = (together || t == turn) && r.x < r.y;
    lo[t] = on ? r.x : 0;
    hi[t] = on ? r.y : 0;
    if (on) all = ivec2(min(all.x, r.x), max(all.y, r.y));
  }
  return all.x < all.y ? all : ivec2(0);
}

// alike reports whether the rows of two entries have the same ranges.
bool alike(uint e0, uint e1, uint kh) {
  I32 a = I32(rangesOf(e0 / p.group, kh)), b = I32(rangesOf(e1 / p.group, kh));
  bool same = true;
  for (uint i = 0; i < 2 * p.nranges; i++) same = same && a.v[i] == b.v[i];
  return same;
}

void main() {
  uint g = group(), e0 = g / p.kvheads * T, kh = g % p.kvheads, entries = p.rows * p.group;
  if (e0 >= entries) return;
  int any = -1;
  bool together = true;
  EACH(uint t = 0; t < T; t++) {
    uint e = min(e0 + t, entries - 1), row = e / p.group;
    seq[t] = I32(p.seq).v[row];
    len[t] = min(I32(p.len).v[row], int(p.perSeq << p.shift));
    if (e0 + t >= entries || seq[t] < 0 || seq[t] >= int(p.seqs)) len[t] = 0;
    if (len[t] > 0) {
      together = together && (any < 0 || any == seq[t]) && (T == 1 || alike(e0, e, kh));
      any = seq[t];
    }
    F32x2 query = F32x2(p.q + 4ul * (uint64_t(row) * p.ldq + (kh * p.group + e % p.group) * DH));
    EACH(uint j = 0; j < R; j++) {
      uint c = owned(j);
      vec2 y = floats(query.v[min(2 * c + 1, PAIRS - 1)]);
      q[t][j] = vec4(floats(query.v[2 * c]), 2 * c + 1 < PAIRS ? y : vec2(0)) * p.scale;
      acc[t][j] = vec4(0);
    }
    top[t] = LOWEST;
    total[t] = 0;
  }

  uint turns = together ? 1 : T, width = p.kvheads * DH;
  uint turn = 0;
  do { // the ends of loops are at the bottom, as in tile.glsl
    int from = any;
    EACH(uint t = 0; t < T; t++) if (!together && t == turn) from = seq[t];
    from = clamp(from, 0, int(p.seqs) - 1); // where nobody sees anything too
    uint i = 0;
    do {
      ivec2 all = range(e0, kh, i, turn, together);
      int k0 = all.x / int(SPAN) * int(SPAN);
      if (k0 < all.y) do {
        int page = pageOf(p.table, p.perSeq, p.pages, p.shift, from, k0);
        uint64_t at = slotAt(page, p.shift, k0, width) + uint64_t(CACHE_ELEM) * kh * DH;
        mapped = page >= 0;
        int first = max(all.x, k0), last = max(min(all.y, k0 + int(SPAN)) - 1, first);
        block(p.ck + at, p.cv + at, CACHE_ELEM * width, k0, first, last);
        k0 += int(SPAN);
      } while (k0 < all.y);
      i++;
    } while (i < p.nranges);
    turn++;
  } while (turn < turns);

  EACH(uint t = 0; t < T; t++) {
    uint e = e0 + t;
    float sum = subgroupAdd(total[t]);
    float inv = sum == 0 ? 0 : 1 / sum;
    F32x2 dst = F32x2(p.dst + 4ul * (uint64_t(e / p.group) * p.ldo + (kh * p.group + e % p.group) * DH));
    EACH(uint j = 0; j < R; j++) {
      vec4 x = acc[t][j] * inv;
      uint c = j * W + LANE;
      if (e < entries && c < QUADS) {
        dst.v[2 * c] = pack64(floatBitsToUint(x.xy));
        if (2 * c + 1 < PAIRS) dst.v[2 * c + 1] = pack64(floatBitsToUint(x.zw));
      }
    }
  }
}
