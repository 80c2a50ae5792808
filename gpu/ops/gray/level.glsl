// A coordinate of l = 2^b levels: with u = tanh(z), level q covers the q-th of l equal
// parts of (-1, 1), and its value is where tanh is the middle of that part.

float tanh1(float x) {
  float e = exp(-2 * min(abs(x), 40)), t = (1 - e) / (1 + e);
  return x < 0 ? -t : t;
}

uint level(float z, uint l) { return uint(clamp(int(floor((tanh1(z) + 1) * 0.5 * float(l))), 0, int(l) - 1)); }

// value returns atanh((2q + 1)/l - 1).
float value(uint q, uint l) { return 0.5 * log(float(2 * q + 1) / float(2 * (l - q) - 1)); }
