#version 460
//morton:variant faces
#include "morton.glsl"
// One workgroup writes the mask of one row, u32 [rows, words]: bit t % 32 of word
// t / 32 is set if token t may be drawn. Tokens u32 [b, L], seq i32 [rows], draw
// u32 [rows, 8] as in sample/softmax.comp. The rules stand in faces.go. A vertex is
// compared by its key (z·levels + x)·levels + y; all arithmetic is exact.
layout(push_constant, scalar) uniform Push {
  uint64_t tokens, seq, draw, mask;
  uint rows, L, start, levels, words;
} p;

const uint FACE = 12;

U32 at;         // the slot's tokens from the first face on
U32 mask;       // the row
uint lo, hi;    // tokens the layout and the order allow
uint taken[2];  // tokens that would repeat a corner
uint repeats;   // how many

uint64_t key(uint i) { return (uint64_t(at.v[i]) * p.levels + at.v[i + 1]) * p.levels + at.v[i + 2]; }
uint first(uint face) { return face * FACE + (at.v[face * FACE] == p.levels ? 3 : 0); }
uint corners(uint face) { return at.v[face * FACE] == p.levels ? 3 : 4; }

// bound returns the least key that corner v of a face of n corners may have, whose
// first v corners stand from token c on.
uint64_t bound(uint face, uint c, uint v, uint n) {
  uint64_t least = v > 0 ? key(c) + 1 : 0; // a face begins with its lowest corner
  if (face == 0) return least;
  uint before = first(face - 1), m = corners(face - 1);
  if (v >= m) return least; // a quad may begin with the triangle before it
  for (uint j = 0; j < v; j++)
    if (key(c + 3 * j) != key(before + 3 * j)) return least; // it has passed the face before
  bool last = v == 3 || v == 2 && n == 3; // equal so far, and here it must tell itself apart
  return max(least, key(before + 3 * v) + (last ? 1 : 0));
}

// word returns 32 bits of the mask before edges count.
uint word(uint w, bool distinct) {
  uint bits = 0;
  for (uint b = 0; b < 32; b++) {
    uint t = 32 * w + b;
    bool in_ = t >= lo && t < hi;
    for (uint j = 0; j < repeats; j++) in_ = in_ && !(distinct && t == taken[j]);
    bits |= in_ ? 1u << b : 0u;
  }
  return bits;
}

// write fills the row and reports whether anything is allowed.
bool write(bool distinct) {
  uint any = 0;
  for (uint w = LANE; w < p.words; w += W) {
    mask.v[w] = word(w, distinct);
    any |= mask.v[w];
  }
  return subgroupOr(any) != 0;
}

// forbid clears the tokens of the lanes that hit. A word has one lane that writes
// it, so nothing is written twice at a time.
void forbid(bool hit, uint t) {
  uvec2 left = subgroupBallot(hit).xy; // of 64 lanes at most
  while (any(notEqual(left, uvec2(0)))) {
    uint half_ = left.x != 0 ? 0 : 1, bit = findLSB(left[half_]);
    uint token = subgroupShuffle(t, 32 * half_ + bit);
    if (token / 32 % W == LANE) mask.v[token / 32] &= ~(1u << (token % 32));
    left[half_] &= left[half_] - 1;
  }
}

// edges forbids what would repeat a directed edge of faces [0, face): from the
// corner before, and for the last corner to the first.
void edges(uint face, uint c, uint v, uint n, uint64_t zx) {
  uint64_t from = key(c + 3 * (v - 1)), to = key(c);
  for (uint f0 = 0; f0 < face; f0 += W) {
    uint f = min(f0 + LANE, face - 1), begin = first(f), m = corners(f);
    for (uint k = 0; k < 4; k++) {
      uint64_t a = key(begin + 3 * min(k, m - 1)), b = key(begin + 3 * ((k + 1) % m));
      forbid(k < m && a == from && b / p.levels == zx, uint(b % p.levels));
      if (v == n - 1) forbid(k < m && b == to && a / p.levels == zx, uint(a % p.levels));
    }
  }
}

// begin sets the range where the layout alone decides, and reports whether it does.
bool begin(uint face, uint slot, bool triangle) {
  if (slot == 0) {
    lo = face > 0 ? at.v[first(face - 1)] : 0;
    hi = p.levels + (face > 0 ? 2 : 1); // the pad, and the end behind a face
    return true;
  }
  lo = p.levels;
  hi = p.levels + 1;
  return triangle && slot < 3;
}

void main() {
  uint r = group();
  if (r >= p.rows) return;
  U32 d = U32(p.draw + 32ul * r);
  if (d.v[7] == 0 || d.v[3] < p.start || d.v[3] >= p.L) return;
  at = U32(p.tokens + 4ul * (uint64_t(I32(p.seq).v[r]) * p.L + p.start));
  mask = U32(p.mask + 4ul * uint64_t(r) * p.words);
  uint i = d.v[3] - p.start, face = i / FACE, slot = i % FACE, base = face * FACE;
  bool triangle = slot > 0 && at.v[base] == p.levels;
  repeats = 0;
  if (begin(face, slot, triangle)) {
    write(false);
    return;
  }

  // Coordinate part of corner v of n, the first at token c.
  uint c = base + (triangle ? 3 : 0), n = triangle ? 3 : 4;
  uint v = (base + slot - c) / 3, part = (base + slot - c) % 3;
  uint64_t side = p.levels, least = bound(face, c, v, n);
  uint64_t z = part > 0 ? at.v[c + 3 * v] : 0, zx = part > 1 ? z * side + at.v[c + 3 * v + 1] : 0;
  if (part == 0) least = least / (side * side);
  if (part == 1) least = z > least / (side * side) ? 0 : least / side % side;
  if (part == 2) least = zx > least / side ? 0 : least % side;
  lo = least < side ? uint(least) : 0; // above the highest vertex of all there is none
  hi = p.levels;
  if (part == 2)
    for (uint j = 1; j < v; j++)
      if (key(c + 3 * j) / side == zx) taken[repeats++] = at.v[c + 3 * j + 2];
  if (!write(true)) {
    write(false);
    return;
  }
  if (part < 2 || v == 0) return; // only a corner's last coordinate completes an edge
  edges(face, c, v, n, zx);
  uint rest = 0;
  for (uint w = LANE; w < p.words; w += W) rest |= mask.v[w];
  if (subgroupOr(rest) == 0) write(true);
}
