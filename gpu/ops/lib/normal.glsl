// Normal and uniform random numbers by Philox, see philox.glsl; sincos.glsl comes first.
// A word of w makes u = (floor(w/2^8) + 1/2)·2^-24, which is never 0 nor 1.
float open24(uint x) { return (float(x >> 8) + 0.5) * 5.9604644775390625e-8; }

// normals makes four normal numbers of four words: two pairs by Box and Muller.
vec4 normals(uvec4 w) {
  vec2 r = sqrt(-2 * log(vec2(open24(w.x), open24(w.z))));
  vec2 a = sincos(6.28318531 * open24(w.y)), b = sincos(6.28318531 * open24(w.w));
  return vec4(r.x * a.y, r.x * a.x, r.y * b.y, r.y * b.x);
}
