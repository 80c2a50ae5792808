// Activations for epilogues; the same formulas, with their errors, as in
// gpu/ops/activation.

// silu is x / (1 + exp(-x)).
float silu(float x) { return x * (1 / (1 + exp(min(-x, 80)))); }

// geluTanh is x·(1 + tanh(u))/2, u = sqrt(2/pi)·(x + 0.044715·x³).
float geluTanh(float x) {
  return x * (1 / (1 + exp(clamp(-1.59576912 * (x + 0.044715 * x * x * x), -80, 80))));
}

// geluExact is x·P(x), P the normal distribution function by Abramowitz and
// Stegun, formula 7.1.26.
float geluExact(float x) {
  float z = abs(x) * 0.707106781, t = 1 / (1 + 0.3275911 * z), e = exp(max(-z * z, -80));
  float tail = 0.5 * e * t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return x * (x < 0 ? tail : 1 - tail);
}
