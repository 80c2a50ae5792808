#version 460
//morton:variant queries
#extension GL_EXT_control_flow_attributes : require
#include "morton.glsl"
#include "tile.glsl"

// One workgroup computes the gradients of TM queries of one head, over the blocks
// of keys that the forward pass went over:
//
//   d[q]  = sum_c do[q, c]·out[q, c]
//   ds    = scale · exp(s[q, k] - lse[q]) · (do[q]·v[k] - d[q])
//   dq[q] = sum_k ds · k[k]
//
// Layouts and the grid are the forward pass's; d is [b, heads, n].

layout(push_constant, scalar) uniform Push {
  uint64_t q, k, v, do_, o, lse, keyq, keyk, dq, d;
  uint n, nk, group, ldq, ldk, ldv, lddo, ldo, lddq;
  int window;
  float scale;
} p;
#include "visible.glsl"

void main() {
  uint head = gl_WorkGroupID.y, b = gl_WorkGroupID.z, row0 = tile() * TM;
  if (!sequence(b, row0)) return;
  uint64_t at = lseOf(b, head, gl_NumWorkGroups.y);
  uint64_t ks = 4ul * p.ldk * apart, vs = 4ul * p.ldv * apart;
  uint64_t kbase = p.k + 4ul * (uint64_t(firstK) * p.ldk + head / p.group * DH), vbase = p.v + 4ul * (uint64_t(firstK) * p.ldv + head / p.group * DH);
  I32 keyk = I32(keysOf() + 4ul * uint64_t(firstK));

  uint64_t qrow[RA], dorow[RA];
  int mine[RA], floors[RA], low, high;
  float lse[RA], d[RA];
  EACH(uint g = 0; g < RA; g++) {
    uint j = apart * min(row0 + min(g * W + LANE, TM - 1), n - 1), i = first + j;
    qrow[g] = p.q + 4ul * (uint64_t(i) * p.ldq + head * DH);
    dorow[g] = p.do_ + 4ul * (uint64_t(i) * p.lddo + head * DH);
    F32x2 o = F32x2(p.o + 4ul * (uint64_t(i) * p.ldo + head * DH));
    mine[g] = I32(p.keyq).v[i];
    floors[g] = floorOf(mine[g]);
    low = g == 0 ? floors[g] : min(low, floors[g]);
    high = g == 0 ? mine[g] : max(high, mine[g]);
    lse[g] = F32(p.lse + 4ul * at).v[j];
    d[g] = 0;
    for (uint c = 0; c < PAIRS; c++) {
      vec2 x = floats(o.v[c]) * floats(F32x2(dorow[g]).v[c]);
      d[g] += x.x + x.y;
    }
    if (g * W + LANE < TM && row0 + g * W + LANE < n) F32(p.d + 4ul * at).v[j] = d[g];
  }
  low = subgroupMin(low);
  high = subgroupMax(high);
  vec2 acc[TM][R];
  EACH(uint i = 0; i < TM; i++) EACH(uint j = 0; j < R; j++) acc[i][j] = vec2(0);

  uint k0 = nextKeys(keyk, 0, low, high);
  if (k0 < nk) do {
    uint64_t krow[V], vrow[V];
    int key[V];
    EACH(uint v = 0; v < V; v++) {
      uint k = min(k0 + v * W + LANE, nk - 1);
      krow[v] = kbase + ks * k;
      vrow[v] = vbase + vs * k;
      key[v] = k0 + v * W + LANE < nk ? keyk.v[apart * k] : NOBODY;
    }
    float s[TM][V], dp[TM][V];
    dots(qrow, krow, s);
    dots(dorow, vrow, dp);
    EACH(uint i = 0; i < TM; i++) {
      int q = row(mine, i), low_ = row(floors, i);
      float l = row(lse, i), mean = row(d, i);
      EACH(uint v = 0; v < V; v++) {
        float w = sees(q, low_, key[v]) ? exp(s[i][v] * p.scale - l) : 0;
        s[i][v] = w * (dp[i][v] - mean) * p.scale;
      }
    }
    add(acc, s, kbase, ks, k0, nk);
    k0 = nextKeys(keyk, k0 + SPAN, low, high);
  } while (k0 < nk);
  EACH(uint i = 0; i < TM; i++) {
    F32x2 dst = F32x2(p.dq + 4ul * (uint64_t(first + apart * (row0 + i)) * p.lddq + head * DH));
    EACH(uint j = 0; j < R; j++)
      if (row0 + i < n && j * W + LANE < PAIRS) dst.v[j * W + LANE] = pack64(floatBitsToUint(acc[i][j]));
  }
}
