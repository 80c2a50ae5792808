// Activations, for epilogues and for gpu/ops/activation, which has their errors.

// silu is x / (1 + exp(-x)).
float silu(float x) { return x * (1 / (1 + exp(min(-x, 80)))); }

// logistic returns s = (1 + tanh(u))/2, u = sqrt(2/pi)·(x + 0.044715·x³), and x·ds/dx.
void logistic(float x, out float s, out float xD) {
  const float k = 1.59576912; // 2·sqrt(2/pi)
  float e = exp(clamp(-k * (x + 0.044715 * x * x * x), -80, 80));
  s = 1 / (1 + e);
  xD = x * s * (e * s) * k * (1 + 0.134145 * x * x);
}

// normal returns P(x), the normal distribution function by Abramowitz and Stegun,
// formula 7.1.26, and x·P'(x).
void normal(float x, out float P, out float xN) {
  float z = abs(x) * 0.707106781, t = 1 / (1 + 0.3275911 * z), e = exp(max(-z * z, -80));
  float tail = 0.5 * e * t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  P = x < 0 ? tail : 1 - tail;
  xN = x * e * 0.398942280;
}

float geluTanh(float x) {
  float s, xD;
  logistic(x, s, xD);
  return x * s;
}

float geluExact(float x) {
  float P, xN;
  normal(x, P, xN);
  return x * P;
}
