// Visibility by integers: a query sees the keys at and below it, and above its
// floor, p.window below it or else the least integer, which no key may be: NOBODY
// stands for a key that does not exist. Blocks in which nobody sees anybody are
// passed over, sorted or not.
const int NOBODY = -2147483647 - 1;

// floorOf is the highest key too low for a query.
int floorOf(int q) { return p.window == 0 || q < NOBODY + p.window ? NOBODY : q - p.window; }

bool sees(int q, int floor_, int k) { return k <= q && k > floor_; }

// nextKeys is the first block of keys from k0 on with one that a query may see, of
// queries up to high whose lowest floor is low.
uint nextKeys(I32 keyk, uint k0, int low, int high) {
  for (; k0 < p.nk; k0 += SPAN) {
    bool any = false;
    EACH(uint v = 0; v < V; v++) any = any || sees(high, low, keyk.v[min(k0 + v * W + LANE, p.nk - 1)]);
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
      any = any || q >= low && floorOf(q) < high;
    }
    if (subgroupBallot(any) != uvec4(0)) break;
  }
  return q0;
}
