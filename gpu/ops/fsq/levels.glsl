// How a coordinate with l levels is bounded:
//   b = tanh(z + shift)·half - offset, half = (l - 1)·(1 - eps)/2, offset = 1/2 for an
//   even l and else 0, shift = atanh(offset/half), eps = 1e-3
// so that b rounds to one of -(l/2) to (l - 1)/2 in whole numbers, and z = 0 gives b = 0.
// For l = 2 no shift does that: it is 0, and z = 0 is the edge between the two.
struct Level { float half_, offset, shift; };

Level level(uint l, float shift) {
  return Level(0.4995 * float(l - 1), l % 2 == 0 ? 0.5 : 0.0, shift);
}

// tanh1 returns tanh(x), off by less than 4e-7, and 1 - tanh²(x), off by less than 1e-6.
vec2 tanh1(float x) {
  float e = exp(-2 * min(abs(x), 40)), t = (1 - e) / (1 + e);
  return vec2(x < 0 ? -t : t, 4 * e / ((1 + e) * (1 + e)));
}
