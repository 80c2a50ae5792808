#version 460
//morton:variant keys
#extension GL_EXT_control_flow_attributes : require
#include "morton.glsl"
#include "tile.glsl"

// One workgroup computes the gradients of TM keys and values of one head of keys,
// over its group of query heads one after the other, and over the queries in
// blocks of SPAN; rows of the tile are keys, columns queries:
//
//   dv[k] = sum_q exp(s[q, k] - lse[q]) · do[q]
//   dk[k] = sum_q ds[q, k] · q[q]
//
// with ds as in queries.comp, which left d. The grid is [tiles, heads of keys,
// sequences]; lse and d are [b, heads of queries, n]. A block of queries none of
// which sees a key of the tile is not read beyond its keys.

layout(push_constant, scalar) uniform Push {
  uint64_t q, k, v, do_, lse, d, keyq, keyk, dk, dv;
  uint n, nk, group, ldq, ldk, ldv, lddo, lddk, lddv;
  int window;
  float scale;
} p;
#include "visible.glsl"

vec2 dk[TM][R], dv[TM][R];
uint64_t krow[RA], vrow[RA];
int mine[RA];

// block adds the queries from q0 on of one head, whose first lse and d are at.
void block(uint64_t qbase, uint64_t dobase, I32 keyq, uint64_t at, uint q0) {
  uint64_t qs = 4ul * p.ldq * apart, dos = 4ul * p.lddo * apart, qrow[V], dorow[V];
  int key[V], floors[V];
  float lse[V], d[V];
  EACH(uint v = 0; v < V; v++) {
    uint i = min(q0 + v * W + LANE, n - 1);
    qrow[v] = qbase + qs * i;
    dorow[v] = dobase + dos * i;
    key[v] = q0 + v * W + LANE < n ? keyq.v[apart * i] : NOBODY; // below every key
    floors[v] = floorOf(key[v]);
    lse[v] = F32(p.lse + at).v[apart * i];
    d[v] = F32(p.d + at).v[apart * i];
  }
  float w[TM][V], dp[TM][V];
  dots(krow, qrow, w);
  EACH(uint i = 0; i < TM; i++) {
    int k = row(mine, i);
    EACH(uint v = 0; v < V; v++) w[i][v] = sees(key[v], floors[v], k) ? exp(w[i][v] * p.scale - lse[v]) : 0;
  }
  add(dv, w, dobase, dos, q0, n);
  dots(vrow, dorow, dp);
  EACH(uint i = 0; i < TM; i++) EACH(uint v = 0; v < V; v++) w[i][v] *= (dp[i][v] - d[v]) * p.scale;
  add(dk, w, qbase, qs, q0, n);
}

void main() {
  uint kh = gl_WorkGroupID.y, b = gl_WorkGroupID.z, row0 = tile() * TM;
  if (!sequence(b, row0)) return;
  I32 keyq = I32(p.keyq + 4ul * uint64_t(first));
  int low, high;
  EACH(uint g = 0; g < RA; g++) {
    uint i = firstK + apart * min(row0 + min(g * W + LANE, TM - 1), nk - 1);
    krow[g] = p.k + 4ul * (uint64_t(i) * p.ldk + kh * DH);
    vrow[g] = p.v + 4ul * (uint64_t(i) * p.ldv + kh * DH);
    mine[g] = I32(keysOf()).v[i];
    low = g == 0 ? mine[g] : min(low, mine[g]);
    high = g == 0 ? mine[g] : max(high, mine[g]);
  }
  low = subgroupMin(low);
  high = subgroupMax(high);
  EACH(uint i = 0; i < TM; i++) EACH(uint j = 0; j < R; j++) dk[i][j] = dv[i][j] = vec2(0);

  uint g = 0;
  do {
    uint head = kh * p.group + g;
    uint64_t qbase = p.q + 4ul * (uint64_t(first) * p.ldq + head * DH), dobase = p.do_ + 4ul * (uint64_t(first) * p.lddo + head * DH);
    uint64_t at = 4ul * lseOf(b, head, gl_NumWorkGroups.y * p.group);
    uint q0 = nextQueries(keyq, 0, low, high);
    if (q0 < n) do {
      block(qbase, dobase, keyq, at, q0);
      q0 = nextQueries(keyq, q0 + SPAN, low, high);
    } while (q0 < n);
    g++;
  } while (g < p.group);

  EACH(uint i = 0; i < TM; i++) {
    F32x2 dstk = F32x2(p.dk + 4ul * (uint64_t(firstK + apart * (row0 + i)) * p.lddk + kh * DH));
    F32x2 dstv = F32x2(p.dv + 4ul * (uint64_t(firstK + apart * (row0 + i)) * p.lddv + kh * DH));
    EACH(uint j = 0; j < R; j++) {
      if (row0 + i < nk && j * W + LANE < PAIRS) {
        dstk.v[j * W + LANE] = pack64(floatBitsToUint(dk[i][j]));
        dstv.v[j * W + LANE] = pack64(floatBitsToUint(dv[i][j]));
      }
    }
  }
}
