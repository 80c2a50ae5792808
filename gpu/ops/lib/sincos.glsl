// sincos returns (sin x, cos x) with an absolute error below 2e-7 for |x| <= 1e5.
// GLSL's own sin may be off by 2^-11 even inside [-pi, pi].
//
// Range: x = q·pi/2 + r with pi/2 in four parts, the first three of at most eight
// bits and multiples of 2^-24, so that q·part is exact for |q| < 2^16 and the
// first three differences are too; r is then off by half a unit in its last place. Series: Taylor, to r^11 of
// the sine and r^10 of the cosine; for |r| < 0.8 what is left out is below 1e-9.
// Past 1e5 the products round and the error grows; past 2^31 it is meaningless.
vec2 sincos(float x) {
  precise float q = floor(x * 0.636619772 + 0.5);
  precise float r = x - q * 1.5703125;      // 0x1.92p0
  r = r - q * 0.0004825592041015625;  // 0x1.fap-12
  r = r - q * 1.251697540283203125e-6; // 0x1.5p-20
  r = r - q * 1.58932548e-8;       // the rest
  float z = r * r;
  float s = r + r * z * (-1.66666667e-1 + z * (8.33333333e-3 + z * (-1.98412698e-4 + z * (2.75573192e-6 - z * 2.50521084e-8))));
  float c = 1 - 0.5 * z + z * z * (4.16666667e-2 + z * (-1.38888889e-3 + z * (2.48015873e-5 - z * 2.75573192e-7)));
  uint k = uint(int(q)) & 3u;
  vec2 v = (k & 1u) != 0 ? vec2(c, s) : vec2(s, c);
  if ((k & 2u) != 0) v.x = -v.x;
  if (k == 1u || k == 2u) v.y = -v.y;
  return v;
}
