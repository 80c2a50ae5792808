// Angles of rotary positions, rounded to f32. From a table, pair j of a head
// turns by one axis: pos[axis[j]]·freq[j]. Learned, by all of them, each head in
// its way: sum_a pos[a]·freq[a, head, j], added in the order of axes.
float tableAngle(I32 pos, uint axes, I32 axis, F32 freq, uint j) {
  precise float angle = float(pos.v[min(uint(axis.v[j]), axes - 1)]) * freq.v[j];
  return angle;
}

// Sine and cosine of tableAngle. A position of the lowest integer has no place: both
// are zero, so what is turned becomes zero and scores zero against everything.
vec2 tableTurn(I32 pos, uint axes, I32 axis, F32 freq, uint j) {
  if (pos.v[min(uint(axis.v[j]), axes - 1)] == int(0x80000000u)) return vec2(0);
  return sincos(tableAngle(pos, axes, axis, freq, j));
}

float learnedAngle(I32 pos, uint axes, F32 freq, uint heads, uint pairs, uint head, uint j) {
  precise float angle = 0;
  for (uint a = 0; a < axes; a++) angle = angle + float(pos.v[a]) * freq.v[(a * heads + head) * pairs + j];
  return angle;
}
