#version 460
//morton:variant columns
#include "morton.glsl"

// One workgroup gathers one row of cols [rows, taps, c]: what the taps see from
// position first + row of a grid [b, n], in a source [b, m, c]:
//   cols[row, k] = source[position·stride + k - pad]
// or zeros where the source has no such position. With FIRST, taps before the first
// frame see the first. c is even: lanes take pairs.

layout(constant_id = 1) const uint FIRST = 0;

layout(push_constant, scalar) uniform Push {
  uint64_t source, cols;
  ivec3 n, m, kernel, stride, pad;
  uint first, rows, c;
} p;

// seen returns where tap k sees a position from along axis a, -1 for nowhere.
int seen(int x, int k, int a) {
  int y = x * p.stride[a] + k - p.pad[a];
  if (FIRST != 0 && a == 0) y = max(y, 0);
  return y >= 0 && y < p.m[a] ? y : -1;
}

void main() {
  uint row = group();
  if (row >= p.rows) return;
  uint at = p.first + row, pairs = p.c / 2;
  ivec3 x;
  x.z = int(at % uint(p.n.z));
  at /= uint(p.n.z);
  x.y = int(at % uint(p.n.y));
  at /= uint(p.n.y);
  x.x = int(at % uint(p.n.x));
  uint b = at / uint(p.n.x);
  uint64_t to = p.cols + 4ul * uint64_t(row) * uint(p.kernel.x * p.kernel.y * p.kernel.z) * p.c;
  uint64_t plane = 4ul * uint64_t(p.m.y) * uint(p.m.z) * p.c, sampleAt = p.source + uint64_t(b) * uint(p.m.x) * plane;
  for (int kt = 0; kt < p.kernel.x; kt++) {
    int t = seen(x.x, kt, 0);
    for (int kh = 0; kh < p.kernel.y; kh++) {
      int y = seen(x.y, kh, 1);
      for (int kw = 0; kw < p.kernel.z; kw++) {
        int z = seen(x.z, kw, 2);
        bool there = t >= 0 && y >= 0 && z >= 0;
        uint64_t from = sampleAt + 4ul * uint64_t(max(y * p.m.z + z, 0)) * p.c;
        for (uint i = LANE; i < pairs; i += W) {
          vec2 v = vec2(0);
          if (there) v = floats(F32x2(from + uint64_t(t) * plane).v[i]);
          F32x2(to).v[i] = pack64(floatBitsToUint(v));
        }
        to += 4ul * p.c;
      }
    }
  }
}
