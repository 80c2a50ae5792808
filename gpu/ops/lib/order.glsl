// order maps a float to a uint with the same order; NaN lies past infinity.
uint order(float x) {
  uint u = floatBitsToUint(x);
  return (u & 0x80000000u) != 0 ? ~u : u | 0x80000000u;
}
