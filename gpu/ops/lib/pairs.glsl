// Rows of floats, taken two at a time. PAIRS (specialization constant 1) says
// that every row starts at a multiple of eight bytes and has an even length, so
// that one 64-bit access moves both; the arithmetic is the same either way.
layout(constant_id = 1) const uint PAIRS = 0;

// load2 returns elements 2i and 2i+1 of a row of n; 2i < n. Past the end it gives 0.
vec2 load2(uint64_t row, uint i, uint n) {
  if (PAIRS != 0) return floats(F32x2(row).v[i]);
  vec2 x = vec2(F32(row).v[2 * i], 0);
  if (2 * i + 1 < n) x.y = F32(row).v[2 * i + 1];
  return x;
}

// store2 sets elements 2i and 2i+1 of a row of n; 2i < n. Past the end it writes nothing.
void store2(uint64_t row, uint i, uint n, vec2 x) {
  if (PAIRS != 0) {
    F32x2(row).v[i] = pack64(floatBitsToUint(x));
    return;
  }
  F32(row).v[2 * i] = x.x;
  if (2 * i + 1 < n) F32(row).v[2 * i + 1] = x.y;
}
