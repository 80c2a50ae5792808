#version 460
//morton:variant forward
#extension GL_EXT_control_flow_attributes : require
#include "morton.glsl"
#include "tile.glsl"

// One workgroup computes TM queries of one head of one sequence, over the keys in
// blocks of SPAN, with a running maximum:
//
//   out[q] = sum_k exp(s[q, k] - max) · v[k] / sum_k exp(s[q, k] - max),  s = scale · q·k
//   lse[q] = max + log(sum)
//
// over the keys that q sees, see visible.glsl. q, k, v and
// out are matrices with rows ldq, ldk, ldv and ldo apart; the grid is [tiles,
// heads, sequences]; keyq is [b, n], keyk [b, nk], lse [b, heads, n]. A block that
// no query of the tile sees is not read beyond its keys. A lane owns columns of
// keys for the scores and pairs of columns of a head for the sums. scale comes
// times log2(e), exponents are powers of two. Against the oracle: exp2 errs by
// (3 + 2|x|)·2^-23, sums in the order of keys.

layout(push_constant, scalar) uniform Push {
  uint64_t q, k, v, keyq, keyk, dst, lse;
  uint n, nk, group, ldq, ldk, ldv, ldo;
  int window;
  float scale;
} p;
#include "visible.glsl"

void main() {
  uint head = gl_WorkGroupID.y, b = gl_WorkGroupID.z, row0 = tile() * TM;
  if (!sequence(b, row0)) return;
  uint64_t qs = 4ul * p.ldq * apart, ks = 4ul * p.ldk * apart, vs = 4ul * p.ldv * apart, qbase = p.q + 4ul * (uint64_t(first) * p.ldq + head * DH);
  uint64_t kbase = p.k + 4ul * (uint64_t(firstK) * p.ldk + head / p.group * DH), vbase = p.v + 4ul * (uint64_t(firstK) * p.ldv + head / p.group * DH);
  I32 keyk = I32(keysOf() + 4ul * uint64_t(firstK));
  I32 keyq = I32(p.keyq + 4ul * uint64_t(first));
  uint64_t lses = p.lse + 4ul * lseOf(b, head, gl_NumWorkGroups.y);

  uint64_t qrow[RA];
  int mine[RA], floors[RA], low, high;
  float top[RA], total[TM];
  vec2 acc[TM][R];
  EACH(uint g = 0; g < RA; g++) {
    uint i = min(row0 + min(g * W + LANE, TM - 1), n - 1);
    qrow[g] = qbase + qs * i;
    mine[g] = keyq.v[apart * i];
    floors[g] = floorOf(mine[g]);
    low = g == 0 ? floors[g] : min(low, floors[g]);
    high = g == 0 ? mine[g] : max(high, mine[g]);
    top[g] = LOWEST;
  }
  low = subgroupMin(low);
  high = subgroupMax(high);
  EACH(uint i = 0; i < TM; i++) {
    total[i] = 0;
    EACH(uint j = 0; j < R; j++) acc[i][j] = vec2(0);
  }

  uint k0 = nextKeys(keyk, 0, low, high);
  if (k0 < nk) do {
    uint64_t krow[V];
    int key[V];
    EACH(uint v = 0; v < V; v++) {
      uint k = min(k0 + v * W + LANE, nk - 1);
      krow[v] = kbase + ks * k;
      key[v] = k0 + v * W + LANE < nk ? keyk.v[apart * k] : NOBODY;
    }
    float s[TM][V], most[TM], fade[RA], base[RA];
    dots(qrow, krow, s);
    EACH(uint i = 0; i < TM; i++) {
      int q = row(mine, i), low_ = row(floors, i);
      most[i] = LOWEST;
      EACH(uint v = 0; v < V; v++) {
        s[i][v] = sees(q, low_, key[v]) ? s[i][v] * p.scale : LOWEST;
        most[i] = max(most[i], s[i][v]);
      }
    }
    foldMax(most);
    EACH(uint g = 0; g < RA; g++) {
      float up = max(top[g], most[g * W]);
      fade[g] = exp2(top[g] - up);
      top[g] = up;
      base[g] = up == LOWEST ? 0 : up; // where a row has seen nothing
    }
    EACH(uint i = 0; i < TM; i++) {
      float t = row(base, i), f = row(fade, i);
      total[i] *= f;
      EACH(uint v = 0; v < V; v++) {
        s[i][v] = exp2(s[i][v] - t);
        total[i] += s[i][v];
      }
      EACH(uint j = 0; j < R; j++) acc[i][j] *= f;
    }
    add(acc, s, vbase, vs, k0, nk);
    k0 = nextKeys(keyk, k0 + SPAN, low, high);
  } while (k0 < nk);

  foldSum(total);
  float inv[RA];
  EACH(uint g = 0; g < RA; g++) {
    float sum = total[g * W];
    uint i = row0 + g * W + LANE;
    inv[g] = sum == 0 ? 0 : 1 / sum; // NaN stays NaN
    if (g * W + LANE < TM && i < n) F32(lses).v[apart * i] = sum == 0 ? LOWEST : (top[g] + log2(sum)) * LN2;
  }
  EACH(uint i = 0; i < TM; i++) {
    F32x2 dst = F32x2(p.dst + 4ul * (uint64_t(first + apart * (row0 + i)) * p.ldo + head * DH));
    EACH(uint j = 0; j < R; j++) {
      vec2 x = acc[i][j] * row(inv, i);
      if (row0 + i < n && j * W + LANE < PAIRS) dst.v[j * W + LANE] = pack64(floatBitsToUint(x));
    }
  }
}
