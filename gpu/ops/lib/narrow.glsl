// narrow returns two floats as one word of two 2-byte elements, the first below, each
// rounded to nearest and even on ties: f16 for kind 1, bf16 for kind 2. NaN stays NaN.
// packHalf2x16 leaves the rounding to the device.
const uint NARROW_F16 = 1, NARROW_BF16 = 2;

uint f16(float x) {
  uint u = floatBitsToUint(x), sign = u >> 16 & 0x8000u, a = u & 0x7fffffffu;
  if (a > 0x7f800000u) return sign | 0x7e00u;
  if (a >= 0x477ff000u) return sign | 0x7c00u; // from half way past the largest on
  if (a < 0x38800000u) {                       // 0.5 counts in units of f16's least
    precise float y = uintBitsToFloat(a) + 0.5;
    return sign | (floatBitsToUint(y) - 0x3f000000u);
  }
  return sign | (a + 0xfffu + (a >> 13 & 1u) - 0x38000000u) >> 13;
}

uint bf16(float x) {
  uint u = floatBitsToUint(x);
  if ((u & 0x7fffffffu) > 0x7f800000u) return u >> 16 | 0x40u;
  return (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
}

uint narrow(vec2 x, uint kind) {
  return kind == NARROW_F16 ? f16(x.x) | f16(x.y) << 16 : bf16(x.x) | bf16(x.y) << 16;
}

// widen returns the two elements of a word that narrow made.
vec2 widen(uint w, uint kind) {
  return kind == NARROW_F16 ? unpackHalf2x16(w) : uintBitsToFloat(uvec2(w << 16, w & 0xffff0000u));
}
