// Visibility by integers: a query sees the keys at and below it, and above its
// floor, p.window below it or else the least integer, which no key may be: NOBODY
// stands for a key that does not exist. Blocks in which nobody sees anybody are
// passed over, sorted or not.
const int NOBODY = -2147483647 - 1;

// 1: sequences are spans of rows, which stand in the place of keys' own integers, see Args.
layout(constant_id = 5) const uint SPANS = 0;
uint64_t keysOf() { return SPANS == 0 ? p.keyk : p.keyq; }

// Of the workgroup's sequence: its first row of queries and of keys, their numbers, and
// the distance from one row to the next.
uint first, firstK, n, nk, apart;

// sequence sets them for sequence b. It reports whether there is a row from row0 on.
bool sequence(uint b, uint row0) {
  first = b * p.n;
  firstK = b * p.nk;
  n = p.n;
  nk = p.nk;
  apart = 1;
  if (SPANS == 0) return true;
  I32 span = I32(p.keyk + 12ul * b);
  first = firstK = span.v[0];
  n = nk = max(span.v[1], 1); // so that every address can be read
  apart = span.v[2];
  return int(row0) < span.v[1];
}

// lseOf is where the sums of a head begin, of so many: [b, heads, n], or [heads, n] of spans.
uint64_t lseOf(uint b, uint head, uint heads) { return uint64_t(SPANS == 0 ? b * heads + head : head) * p.n + (SPANS == 0 ? 0 : first); }

// floorOf is the highest key too low for a query.
int floorOf(int q) { return p.window == 0 || q < NOBODY + p.window ? NOBODY : q - p.window; }

bool sees(int q, int floor_, int k) { return k <= q && k > floor_; }

// nextKeys is the first block of keys from k0 on with one that a query may see, of
// queries up to high whose lowest floor is low.
uint nextKeys(I32 keyk, uint k0, int low, int high) {
  for (; k0 < nk; k0 += SPAN) {
    bool any = false;
    EACH(uint v = 0; v < V; v++) any = any || sees(high, low, keyk.v[apart * min(k0 + v * W + LANE, nk - 1)]);
    if (subgroupBallot(any) != uvec4(0)) break;
  }
  return k0;
}

// nextQueries is the first block of queries from q0 on with one that may see a
// key between low and high.
uint nextQueries(I32 keyq, uint q0, int low, int high) {
  for (; q0 < n; q0 += SPAN) {
    bool any = false;
    EACH(uint v = 0; v < V; v++) {
      int q = keyq.v[apart * min(q0 + v * W + LANE, n - 1)];
      any = any || q >= low && floorOf(q) < high;
    }
    if (subgroupBallot(any) != uvec4(0)) break;
  }
  return q0;
}
