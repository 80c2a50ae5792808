#version 460
//morton:variant surface
#include "morton.glsl"
// One workgroup narrows the mask of one row, u32 [rows, words], to what keeps a face
// sequence on its surface. The rules and the words of a guide stand in surface.go. Tokens
// u32 [b, L], seq i32 [rows], draw u32 [rows, 8], guide u32 [b, guideWords]. A vertex is
// compared by its key (z·levels + x)·levels + y. Lengths are in cells.
layout(push_constant, scalar) uniform Push {
  uint64_t tokens, seq, draw, guide, mask;
  uint rows, L, start, levels, words, guideWords;
} p;

const uint FACE = 12, NONE = 0xffffffffu, FULL = 3, LIST = 24;

U32 at;              // the slot's tokens from the first face on
U32 g;               // the slot's guide
U32 mask;            // the row
uint S;              // levels
uint faces;          // whole faces before this one
uint v, n, part;     // the corner, of how many, and its coordinate
uint c0;             // token of the first corner
uint least;          // the least key that the order allows
uint top;            // the lowest vertex that has an open edge, for first corners
uint bare[8];        // bit i / W of a lane: no face covers its point of [i, i + W)
float coverZ, coverX; // bounds by what is uncovered, for first corners
uint fromLast[LIST + 1], toFirst[LIST + 1], fromFirst[LIST + 1]; // ends of the faces' directed edges
uint nFromLast, nToFirst, nFromFirst;
bool needs, served;  // the first corner has open edges; the second corner closes one
uint goal;           // the highest grade that a vertex can have
uint nextOpen;       // lowest second corner that closes an edge at the first
uint before;         // the first corner of the face before, NONE if no other face can begin there

uint key(uint i) { return (at.v[i] * S + at.v[i + 1]) * S + at.v[i + 2]; }
vec3 cell(uint k) { return vec3(k / S / S, k / S % S, k % S); }
uint first(uint face) { return face * FACE + (at.v[face * FACE] == S ? 3 : 0); }
uint corners(uint face) { return at.v[face * FACE] == S ? 3 : 4; }

// pyramid returns the word at which level k of the pyramid begins. Level 4 is the rim.
//
// Lanes that wait load too, on some devices: indices stay in bounds for them as well.
uint pyramid(uint k) {
  uint w = 4;
  for (uint j = 0; j < k; j++) { uint s = S >> j; w += s * s * s / 32; }
  return w;
}
uint points() { uint s = S / 2; return pyramid(4) + s * s * s / 32; }
bool bitOf(uint from, uint i) { return (g.v[from + i / 32] >> (i % 32) & 1) == 1; }
bool near(vec3 q, uint k) {
  uvec3 c = min(uvec3(q), S - 1) >> k;
  uint s = S >> k;
  return bitOf(pyramid(k), (c.x * s + c.y) * s + c.z);
}
bool rim(uint k) {
  uvec3 c = min(uvec3(cell(k)), S - 1) >> 1;
  return bitOf(pyramid(4), (c.x * S / 2 + c.y) * (S / 2) + c.z);
}
// tolerance is the level of the pyramid by which a chord of that length is checked.
uint tolerance(float span) { return span < 8 ? 1 : span < 32 ? 2 : 3; }
float span(vec3 a, vec3 b) { vec3 d = abs(a - b); return max(d.x, max(d.y, d.z)); }
bool chord(vec3 a, vec3 b) {
  float l = span(a, b);
  uint k = tolerance(l);
  vec3 m = (a + b) * 0.5;
  return near(m, k) && (l < 16 || near((a + m) * 0.5, k) && near((b + m) * 0.5, k));
}

// bound returns the least key that the corner may have: see bound in faces.comp.
uint bound(uint face) {
  uint low = v > 0 ? key(c0) + 1 : 0;
  if (face == 0) return low;
  uint before = first(face - 1), m = corners(face - 1);
  if (v >= m) return low;
  for (uint j = 0; j < v; j++)
    if (key(c0 + 3 * j) != key(before + 3 * j)) return low;
  bool last = v == 3 || v == 2 && n == 3;
  return max(low, key(before + 3 * v) + (last ? 1 : 0));
}

uint mixed(uint k) { k *= 0x9E3779B1u; k ^= k >> 15; k *= 0x85EBCA77u; return k ^ k >> 13; }

// balance is 0 if every edge at a vertex runs both ways, as a sum of mixed ends. Used
// says whether a face has the vertex.
uint balance(uint k, out bool used) {
  uint sum = 0;
  used = false;
  for (uint f = 0; f < faces; f++) {
    uint b = first(f), m = corners(f);
    for (uint j = 0; j < m; j++)
      if (key(b + 3 * j) == k) {
        used = true;
        sum += mixed(key(b + 3 * ((j + 1) % m))) - mixed(key(b + 3 * ((j + m - 1) % m)));
      }
  }
  return sum;
}
bool closed(uint k) { bool used; uint sum = balance(k, used); return used && sum == 0; }

// openTop returns the lowest vertex, from least on, that has an open edge off the rim.
uint openTop() {
  uint low = NONE;
  for (uint f0 = 0; f0 < faces; f0 += W) {
    uint f = min(f0 + LANE, faces - 1), b = first(f), m = corners(f);
    for (uint j = 0; j < m; j++) {
      uint k = key(b + 3 * j);
      bool used;
      if (k >= least && k < low && (k > least || before == k) && !rim(k) && balance(k, used) != 0) low = k;
    }
    low = subgroupMin(low);
  }
  return low;
}

// Squared distance from q to a triangle.
float segment(vec3 q, vec3 a, vec3 b) {
  vec3 d = b - a;
  float t = clamp(dot(q - a, d) / max(dot(d, d), 1e-9), 0.0, 1.0);
  vec3 r = q - a - t * d;
  return dot(r, r);
}
float triangle(vec3 q, vec3 a, vec3 b, vec3 c) {
  vec3 nor = cross(b - a, c - a);
  float area = dot(nor, nor);
  if (area > 1e-6 && dot(cross(b - a, nor), q - a) <= 0 && dot(cross(c - b, nor), q - b) <= 0 && dot(cross(a - c, nor), q - c) <= 0) {
    float h = dot(q - a, nor);
    return h * h / area;
  }
  return min(segment(q, a, b), min(segment(q, b, c), segment(q, c, a)));
}
float toFace(vec3 q, uint f) {
  uint b = first(f), m = corners(f);
  vec3 a = cell(key(b)) + 0.5, c = cell(key(b + 6)) + 0.5;
  float d = triangle(q, a, cell(key(b + 3)) + 0.5, c);
  return m == 3 ? d : min(d, triangle(q, a, c, cell(key(b + 9)) + 0.5));
}

// watched is point i, and level says whether the surface is level there.
vec3 watched(uint i, out bool level) {
  uint w = g.v[points() + min(i, g.v[1] - 1)];
  float unit = float(S) / 1024.0;
  level = w >> 30 == 1;
  return vec3(w >> 20 & 1023, w >> 10 & 1023, w & 1023) * unit + 0.5 * unit;
}

// look finds the points that no face covers.
void look() {
  float r = uintBitsToFloat(g.v[2]);
  for (uint j = 0; j < 8; j++) bare[j] = 0;
  for (uint i0 = 0; i0 < g.v[1]; i0 += W) {
    bool level, open = i0 + LANE < g.v[1];
    vec3 q = watched(i0 + LANE, level);
    for (uint f = 0; f < faces; f++) {
      if (open && toFace(q, f) <= r * r) open = false;
      if (subgroupBallot(open) == uvec4(0)) break;
    }
    if (open) bare[i0 / W / 32] |= 1u << (i0 / W % 32);
  }
}

bool isBare(uint i0) { return (bare[i0 / W / 32] >> (i0 / W % 32) & 1) == 1; }

// pace returns the key below which what is open or uncovered is given up, so that the
// budget of faces lasts to the top: that many of the lowest uncovered points as the
// covered ones are behind, for the faces that are drawn.
uint pace() {
  int count = int(g.v[1]), budget = int(g.v[3]), left = 0;
  if (budget == 0) return 0;
  for (uint j = 0; j < 8; j++) left += bitCount(bare[j]);
  left = subgroupAdd(left);
  int late = (4 * int(faces) - budget) * count / (4 * budget) - (count - left);
  if (late < 1 || left == 0) return 0;
  late = min(late, left - 1);
  for (uint i0 = 0; i0 < g.v[1]; i0 += W) {
    uvec4 some = subgroupBallot(isBare(i0));
    int n_ = int(subgroupBallotBitCount(some));
    if (late < n_) {
      for (uint lane = 0; lane < W; lane++)
        if (subgroupBallotBitExtract(some, lane) && late-- == 0) {
          bool level;
          return max(uint(watched(i0 + lane, level).x), 1) * S * S - S * S;
        }
    }
    late -= n_;
  }
  return 0;
}

// cover finds the bounds that uncovered points put on a face's first corner whose z (part
// 1 and 2) is known: no face that begins above can cover them.
void cover(uint z) {
  float r = uintBitsToFloat(g.v[2]), low = float(least / S / S), lowX = float(least / S % S);
  coverZ = coverX = 1e9;
  for (uint i0 = 0; i0 < g.v[1]; i0 += W) {
    bool level;
    vec3 q = watched(i0 + LANE, level);
    bool open = isBare(i0) && q.x + r >= low && !(level && uint(q.x) <= least / S / S && q.y + r < lowX); // a face may still reach it
    coverZ = min(coverZ, subgroupMin(open ? q.x + r : 1e9));
    if (part > 0) coverX = min(coverX, subgroupMin(open && level && float(z) >= q.x - 1.5 ? q.y + r : 1e9));
  }
}

// ends collects the directed edges that leave a corner, and those at a first corner whose
// second one is two.
void ends(uint last, uint one, uint two) {
  nFromLast = nToFirst = nFromFirst = 0;
  for (uint f = 0; f < faces; f++) {
    uint b = first(f), m = corners(f);
    uint a = key(b + 3 * (m - 1));
    for (uint j = 0; j < m; j++) {
      uint k = key(b + 3 * j);
      if (a == last && nFromLast < LIST) fromLast[nFromLast++] = k;
      if (k == one && nToFirst < LIST) toFirst[nToFirst++] = a;
      if (a == one && nFromFirst < LIST) fromFirst[nFromFirst++] = k;
      a = k;
    }
  }
  // Edges at the first corner that run one way only are open.
  needs = served = false;
  nextOpen = NONE;
  for (uint i = 0; i < nToFirst; i++) {
    bool both = false;
    for (uint j = 0; j < nFromFirst; j++) both = both || fromFirst[j] == toFirst[i];
    if (both) continue;
    needs = true;
    served = served || toFirst[i] == two;
    nextOpen = min(nextOpen, toFirst[i]);
  }
  for (uint j = 0; j < nFromFirst; j++) {
    bool both = false;
    for (uint i = 0; i < nToFirst; i++) both = both || fromFirst[j] == toFirst[i];
    needs = needs || !both;
  }
}

// convex says that a face's corners all turn the same way: its scaled Jacobian is positive.
bool convex(vec3 d) {
  vec3 q[4];
  for (uint j = 0; j + 1 < n; j++) q[j] = cell(key(c0 + 3 * j));
  q[n - 1] = d;
  vec3 nor = n == 3 ? cross(q[1] - q[0], q[2] - q[0]) : cross(q[2] - q[0], q[3] - q[1]);
  if (dot(nor, nor) < 0.5) return false;
  for (uint j = 0; j < n; j++) {
    vec3 a = q[(j + 1) % n] - q[j], b = q[(j + n - 1) % n] - q[j];
    float turn = dot(cross(a, b), nor);
    if (turn <= 0 || turn * turn < 0.04 * dot(a, a) * dot(b, b) * dot(nor, nor)) return false;
  }
  return true;
}

// later grades the vertex k as a corner behind the first: 0 if it may not stand.
uint later(uint k) {
  bool last = v == n - 1;
  vec3 d = cell(k), a = cell(key(c0)), b = cell(key(c0 + 3 * (v - 1)));
  for (uint j = 0; j < v; j++) if (key(c0 + 3 * j) == k) return 0;
  bool joins = false;
  for (uint j = 0; j < nFromLast; j++) if (fromLast[j] == k) return 0;
  if (last) {
    for (uint j = 0; j < nToFirst; j++) if (toFirst[j] == k) return 0;
    for (uint j = 0; j < nFromFirst; j++) joins = joins || fromFirst[j] == k;
  }
  if (part == 2 && closed(k)) return 0;
  if (v == 1 && k > nextOpen) return 1; // the edge to it would stay open
  if (!chord(b, d)) return 1;
  if (last) {
    if (!chord(d, a)) return 1;
    vec3 middle = a + d;
    for (uint j = 1; j < v; j++) middle += cell(key(c0 + 3 * j));
    if (!near(middle / float(n), tolerance(max(span(a, d), span(d, b))))) return 1;
    if (needs && !served && !joins || !convex(d)) return 2;
  }
  return FULL;
}

// grade grades a vertex that is on the surface.
uint grade(uint k) {
  if (k < least) return 0;
  if (v > 0) return later(k);
  if (part == 2 && closed(k)) return 0;
  if (k > top || k == least && faces > 0 && before == NONE) return 1;
  vec3 d = cell(k);
  if (d.x + 0.5 > coverZ || d.y + 0.5 > coverX) return 2;
  return FULL;
}

// joining finds the vertices that close an edge at the first corner, where the face's last
// corner must. They are the only ones of full grade, so no others need be looked at. It
// grades the lane's tokens, and returns whether there are any.
bool joining(uint zx, out uint grades[32]) {
  bool some = false;
  for (uint j = 0; j < 32; j++) grades[j] = 0;
  for (uint j = 0; j < nFromFirst; j++) {
    uint k = fromFirst[j], parent = part == 0 ? 0 : part == 1 ? k / S / S : k / S, t = part == 0 ? k / S / S : part == 1 ? k / S % S : k % S;
    if (parent != (part == 0 ? 0 : zx) || !bitOf(4, k) || grade(k) < FULL) continue;
    some = true;
    if (t % W == LANE) grades[t / W] = FULL;
  }
  return some;
}

// best returns the highest grade among the cells [from, from + count) of the surface.
uint best(uint from, uint count) {
  uint out_ = 0;
  for (uint w = from / 32; w < (from + count) / 32 && out_ < goal; w++)
    for (uint bits = g.v[4 + w]; bits != 0 && out_ < goal; bits &= bits - 1)
      out_ = max(out_, grade(32 * w + findLSB(bits)));
  return out_;
}

void main() {
  uint r = group();
  if (r >= p.rows) return;
  U32 d = U32(p.draw + 32ul * r);
  if (d.v[7] == 0 || d.v[3] < p.start || d.v[3] >= p.L) return;
  uint slot_ = uint(I32(p.seq).v[r]);
  g = U32(p.guide + 4ul * uint64_t(slot_) * p.guideWords);
  if (g.v[0] == 0) return;
  at = U32(p.tokens + 4ul * (uint64_t(slot_) * p.L + p.start));
  mask = U32(p.mask + 4ul * uint64_t(r) * p.words);
  S = p.levels;
  uint i = d.v[3] - p.start, slot = i % FACE, base = i - slot;
  faces = i / FACE;
  bool pads = slot > 0 && at.v[base] == S;
  if (pads && slot < 3) return;
  c0 = base + (pads ? 3 : 0);
  n = pads ? 3 : 4;
  v = (i - c0) / 3;
  part = (i - c0) % 3;
  least = bound(faces);
  uint z = part > 0 ? at.v[c0 + 3 * v] : 0, zx = part > 1 ? z * S + at.v[c0 + 3 * v + 1] : z;
  before = NONE;
  if (v == 0) {
    if (faces > 0) {
      ends(NONE, least, NONE);
      uint two = key(first(faces - 1) + 3);
      if (needs && nextOpen >= two) before = least;
    }
    look();
    least = max(least, pace());
    top = openTop();
    cover(z);
  } else {
    ends(key(c0 + 3 * (v - 1)), key(c0), v > 1 ? key(c0 + 3) : NONE);
  }
  uint each_ = part == 0 ? S * S : part == 1 ? S : 1, grades[32], most = 0;
  bool must = v == n - 1 && needs && !served;
  goal = must ? FULL - 1 : FULL;
  if (must && joining(zx, grades)) {
    most = FULL;
  } else for (uint t0 = 0; t0 < S; t0 += W) {
    uint t = t0 + LANE, from = (zx * S + t) * each_, grade_ = 0;
    if (t < S) grade_ = part < 2 ? best(from, each_) : bitOf(4, from) ? grade(from) : 0;
    grades[t0 / W] = grade_;
    most = max(most, grade_);
  }
  most = subgroupMax(most);
  if (most == 0) return; // the grammar's own mask stays
  bool mayEnd = most == 1 || top == NONE && (most == 2 || coverZ > 1e8);
  for (uint w = 0; w * 32 < S; w++) {
    uint bits = 0;
    for (uint t0 = 32 * w; t0 < 32 * w + 32; t0 += min(W, 32)) {
      uvec4 some = subgroupBallot(grades[t0 / W] == most);
      bits |= W > 32 ? some[t0 % W / 32] : some.x << (t0 % 32);
    }
    if (LANE == 0) mask.v[w] = bits;
  }
  if (LANE > 0 || slot > 0) return;
  uint triangles = 0;
  for (uint f = 0; f < faces; f++) triangles += corners(f) == 3 ? 1 : 0;
  if (g.v[3] > 0 && 4 * triangles >= g.v[3]) mask.v[S / 32] &= ~(1u << (S % 32));
  if (!mayEnd) mask.v[(S + 1) / 32] &= ~(1u << ((S + 1) % 32));
}
