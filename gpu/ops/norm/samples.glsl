// What group normalization's kernels share: the rows of a sample, and the
// statistics of a channel's group.

#include "present.glsl"

// span returns first and end of sample s among n rows: from its table, or per rows
// a sample. A table that points past the rows is cut off. other is some tensor.
uvec2 span(uint64_t starts, uint64_t other, uint s, uint per, uint n) {
  I32 table = I32(present(starts, other));
  uint at = starts != 0 ? s : 0, end = min(uint(table.v[at + 1]), n), first = min(uint(table.v[at]), end);
  return starts != 0 ? uvec2(first, end) : uvec2(s * per, (s + 1) * per);
}

// ofGroup returns the entries of a table [samples, groups] for channels 2i and 2i+1 of c.
vec2 ofGroup(uint64_t table, uint s, uint i, uint c, uint groups) {
  uint wide = c / groups;
  F32 row = F32(table + 4ul * uint64_t(s) * groups);
  return vec2(row.v[2 * i / wide], row.v[min(2 * i + 1, c - 1) / wide]);
}
