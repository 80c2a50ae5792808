#version 460
//morton:variant prepare
//morton:variant prepare_cache32 -DCACHE32
#extension GL_EXT_control_flow_attributes : require
#include "morton.glsl"
#include "sincos.glsl"
#include "rotary.glsl"
#include "narrow.glsl"
#include "page.glsl"

// One workgroup takes HEADS heads of one row of qkv, [rows, (h + 2g)·DH] with rows ld
// apart, one after the other: it scales a head of queries or keys to unit root mean
// square, times a gain, if there is one, turns it by the row's position, and writes
// it back, if queries, or to the cache in halves (or floats, see page.glsl); a head of values goes there as it
// is. A row whose slot or sequence lies outside, or has no page, goes nowhere, its
// queries aside. A lane owns pairs of columns, and everybody reads before anybody writes.
// The sum of squares runs over W lanes and then a fixed tree.

layout(constant_id = 1) const uint DH = 64;
layout(constant_id = 2) const uint TURN = 0; // 1: by a table, 2: by learned frequencies, freq is [axes, fh, DH/2]
layout(constant_id = 3) const uint HALF = 0; // pairs are (j, j + DH/2) instead of (2j, 2j + 1)
layout(constant_id = 4) const uint AXES = 1;
layout(constant_id = 5) const uint HEADS = 1;
layout(constant_id = 6) const uint COARSE = 0; // 1: sines and cosines of the table are rounded to bf16

layout(push_constant, scalar) uniform Push {
  uint64_t seq, slot, table, pos, freq, axis, qgain, kgain, qkv, ck, cv;
  uint rows, heads, kvheads, ld, seqs, perSeq, pages, shift, fh;
  float eps;
} p;

// A pair of columns in the cache.
#ifdef CACHE32
#define CACHED F32x2
#define PACK(y) pack64(floatBitsToUint(y))
#else
#define CACHED U32
#define PACK(y) packHalf2x16(y)
#endif

const uint PAIRS = DH / 2;
const uint R = (PAIRS + W - 1) / W;
#define EACH [[unroll]] for
vec2 x[R], other[R]; // a lane's pairs, and what they turn with if HALF
vec2 angle[R][2];    // sine and cosine for them, of the row or the head

uint owned(uint j) { return min(j * W + LANE, PAIRS - 1); }
uint partner(uint e) { return e < PAIRS ? e + PAIRS : e - PAIRS; }

void normalize(F32 gain) {
  float sum = 0;
  EACH(uint j = 0; j < R; j++) if (j * W + LANE < PAIRS) sum += x[j].x * x[j].x + x[j].y * x[j].y;
  float rstd = 1 / sqrt(subgroupAdd(sum) / float(DH) + p.eps);
  EACH(uint j = 0; j < R; j++) {
    uint e = 2 * owned(j);
    x[j] *= rstd * vec2(gain.v[e], gain.v[e + 1]);
    if (HALF != 0) other[j] *= rstd * vec2(gain.v[partner(e)], gain.v[partner(e + 1)]);
  }
}

vec2 turn(I32 pos, uint head, uint j) {
  if (TURN == 2) return sincos(learnedAngle(pos, AXES, F32(p.freq), p.fh, PAIRS, head, j));
  vec2 sc = tableTurn(pos, AXES, I32(p.axis), F32(p.freq), j);
  return COARSE == 0 ? sc : widen(narrow(sc, NARROW_BF16), NARROW_BF16);
}

void turns(uint row, uint head) {
  I32 pos = I32(p.pos + 4ul * row * AXES);
  EACH(uint j = 0; j < R; j++) {
    EACH(uint c = 0; c < 1 + HALF; c++) {
      uint e = 2 * owned(j) + c;
      angle[j][c] = turn(pos, head, HALF == 0 ? e / 2 : e % PAIRS);
    }
  }
}

// rotate turns pair (x, y) to (x·cos - y·sin, x·sin + y·cos).
void rotate() {
  EACH(uint j = 0; j < R; j++) {
    if (HALF == 0) {
      vec2 sc = angle[j][0];
      x[j] = vec2(x[j].x * sc.y - x[j].y * sc.x, x[j].x * sc.x + x[j].y * sc.y);
    } else {
      EACH(uint c = 0; c < 2; c++) {
        uint e = 2 * owned(j) + c;
        vec2 sc = angle[j][c];
        x[j][c] = e < PAIRS ? x[j][c] * sc.y - other[j][c] * sc.x : other[j][c] * sc.x + x[j][c] * sc.y;
      }
    }
  }
}

void head(uint row, uint u, int page, int slot) {
  uint64_t at = p.qkv + 4ul * (uint64_t(row) * p.ld + u * DH);
  EACH(uint j = 0; j < R; j++) {
    uint i = owned(j);
    x[j] = floats(F32x2(at).v[i]);
    if (HALF != 0) other[j] = vec2(F32(at).v[partner(2 * i)], F32(at).v[partner(2 * i + 1)]);
  }
  bool query = u < p.heads, key = !query && u < p.heads + p.kvheads;
  if (query || key) {
    uint64_t gain = query ? p.qgain : p.kgain;
    if (gain != 0) normalize(F32(gain));
    if (TURN == 2) turns(row, (query ? u / (p.heads / p.kvheads) : u - p.heads) % p.fh);
    if (TURN != 0) rotate();
  }
  subgroupBarrier(); // everybody has read
  if (query) {
    EACH(uint j = 0; j < R; j++) if (j * W + LANE < PAIRS) F32x2(at).v[j * W + LANE] = pack64(floatBitsToUint(x[j]));
  } else if (page >= 0) {
    CACHED to = CACHED((key ? p.ck : p.cv) + slotAt(page, p.shift, slot, p.kvheads * DH) + uint64_t(CACHE_ELEM) * ((u - p.heads) % p.kvheads) * DH);
    EACH(uint j = 0; j < R; j++) if (j * W + LANE < PAIRS) to.v[j * W + LANE] = PACK(x[j]);
  }
}

void main() {
  uint units = p.heads + 2 * p.kvheads, parts = (units + HEADS - 1) / HEADS;
  uint row = group() / parts, u = group() % parts * HEADS, end = min(u + HEADS, units);
  if (row >= p.rows) return;
  if (TURN == 1 && u < p.heads + p.kvheads) turns(row, 0);
  int seq = I32(p.seq).v[row], slot = I32(p.slot).v[row];
  int page = end > p.heads && seq >= 0 && seq < int(p.seqs) && slot >= 0 ? pageOf(p.table, p.perSeq, p.pages, p.shift, clamp(seq, 0, int(p.seqs) - 1), slot) : -1;
  do head(row, u, page, slot); while (++u < end);
}
