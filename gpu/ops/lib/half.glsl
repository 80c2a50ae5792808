// halfOf returns half j of a word of two f16; zero is one that the compiler can't
// know, such as the top bit of an extent.
//
// lavapipe converts a vector of f16 by one instruction and unpacks a word of two so for
// 8 lanes, but for 16 by a dozen, and makes the one into the other unless something
// that it can't drop stands between. The values are the same. TYPES16 needs the
// device's types of 16 bits.
#ifdef TYPES16
#extension GL_EXT_shader_explicit_arithmetic_types_int16 : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#endif

float halfOf(uint w, uint j, uint zero) {
#ifdef TYPES16
  return float(uint16BitsToHalf(uint16_t(w >> 16 * j) ^ uint16_t(zero)));
#else
  return unpackHalf2x16(w)[j];
#endif
}
