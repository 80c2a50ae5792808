// Visibility by integers: a query sees the keys at and below it, no farther than
// p.window. Blocks in which nobody sees anybody are passed over, sorted or not.
bool sees(int q, int k) { return k <= q && uint(q - k) <= p.window; }

// nextKeys is the first block of keys from k0 on with one that a query between
// low and high may see.
uint nextKeys(I32 keyk, uint k0, int low, int high) {
  for (; k0 < p.nk; k0 += SPAN) {
    bool any = false;
    EACH(uint v = 0; v < V; v++) {
      int k = keyk.v[min(k0 + v * W + LANE, p.nk - 1)];
      any = any || k <= high && (k >= low || uint(low - k) <= p.window);
    }
    if (subgroupBallot(any) != uvec4(0)) break;
  }
  return k0;
}

// nextQueries is the first block of queries from q0 on with one that may see a
// key between low and high.
uint nextQueries(I32 keyq, uint q0, int low, int high) {
  for (; q0 < p.n; q0 += SPAN) {
    bool any = false;
    EACH(uint v = 0; v < V; v++) {
      int q = keyq.v[min(q0 + v * W + LANE, p.n - 1)];
      any = any || q >= low && (q <= high || uint(q - high) <= p.window);
    }
    if (subgroupBallot(any) != uvec4(0)) break;
  }
  return q0;
}
