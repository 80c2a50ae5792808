// Tiles of scores, held in registers: TM rows, which are broadcast, by V·W
// columns, V to a lane. A lane loads for one row at a time and broadcasts, so
// that a load serves every column; loads take two floats at once. lavapipe runs the
// body of a loop once more after its end, with every lane masked, unless the end is
// at the bottom.
layout(constant_id = 1) const uint DH = 64; // width of a head, even
layout(constant_id = 2) const uint TM = 32; // a power of two
layout(constant_id = 3) const uint CHUNK = 8; // elements of a head multiplied at once, 8 or 4

#define EACH [[unroll]] for
const uint V = W < 32 ? 32 / W : 1;
const uint SPAN = V * W;            // columns of a tile
layout(constant_id = 4) const uint SIDE = 4; // rows that take what add loads together, a divisor of TM
const uint RA = (TM + W - 1) / W;   // rows a lane loads for
const uint PAIRS = DH / 2;
const uint R = (PAIRS + W - 1) / W; // pairs of a head's columns a lane owns
const float LOWEST = -1e38;
const float LN2 = 0.693147181;

uint owned(uint j) { return min(j * W + LANE, PAIRS - 1); }

// row returns what a vector of lanes holds for row i of the tile.
#define row(x, i) subgroupBroadcast(x[(i) / W], (i) % W)

// step_ adds `pairs` pairs of products from element c on.
void step_(uint64_t a[RA], uint64_t b[V], uint c, const uint pairs, inout float s[TM][V]) {
  vec2 x[RA][4], y[V][4];
  EACH(uint u = 0; u < pairs; u++) {
    EACH(uint r = 0; r < RA; r++) x[r][u] = floats(F32x2(a[r] + 4ul * c).v[u]);
    EACH(uint v = 0; v < V; v++) y[v][u] = floats(F32x2(b[v] + 4ul * c).v[u]);
  }
  EACH(uint i = 0; i < TM; i++) {
    EACH(uint u = 0; u < pairs; u++) {
      float ax = subgroupBroadcast(x[i / W][u].x, i % W), ay = subgroupBroadcast(x[i / W][u].y, i % W);
      EACH(uint v = 0; v < V; v++) s[i][v] = fma(ay, y[v][u].y, fma(ax, y[v][u].x, s[i][v]));
    }
  }
}

// dots sets s[i][v] to the product of row i, whose address a holds in lane i % W
// of vector i / W, and of the row at b[v]; it adds in the order of elements.
void dots(uint64_t a[RA], uint64_t b[V], out float s[TM][V]) {
  EACH(uint i = 0; i < TM; i++) EACH(uint v = 0; v < V; v++) s[i][v] = 0;
  uint c = 0;
  if (DH >= CHUNK) do {
    step_(a, b, c, CHUNK / 2, s);
    c += CHUNK;
  } while (c + CHUNK <= DH);
  if (DH % CHUNK >= 4) step_(a, b, DH / CHUNK * CHUNK, 2, s);
  if (DH % 4 != 0) step_(a, b, DH - 2, 1, s);
}

// add adds w[i][column] times the rows from `first` on to acc[i]; `most` rows
// exist, and a weight beyond is 0. A lane owns pairs of a head's columns. It adds
// in the order of rows within a vector, vectors innermost. More sums are live than
// there are registers, so it touches a sum once for V rows, and takes SIDE sums at
// once for what it loads. The broadcast from a lane that is known at run time only
// is a shuffle elsewhere; lavapipe shuffles 16 lanes one by one, 10 times slower.
void add(inout vec2 acc[TM][R], float w[TM][V], uint64_t base, uint64_t stride, uint first, uint most) {
  uint l = 0;
  do {
    vec2 x[V][R];
    EACH(uint v = 0; v < V; v++) {
      F32x2 from = F32x2(base + stride * min(first + v * W + l, most - 1));
      EACH(uint j = 0; j < R; j++) x[v][j] = floats(from.v[owned(j)]);
    }
    EACH(uint i = 0; i < TM; i += SIDE) {
      float f[SIDE][V];
      EACH(uint m = 0; m < SIDE; m++) EACH(uint v = 0; v < V; v++) f[m][v] = subgroupBroadcast(w[i + m][v], l);
      EACH(uint j = 0; j < R; j++)
        EACH(uint v = 0; v < V; v++)
          EACH(uint m = 0; m < SIDE; m++) acc[i + m][j] = fma(x[v][j], vec2(f[m][v]), acc[i + m][j]);
    }
    l++;
  } while (l < W);
}

// A fold works across lanes: lane l of x[g·W] becomes row g·W + l's result. Each
// step halves the rows a vector stands for, so W rows cost W - 1 steps.
#define FOLD(name, op)                                                                  \
  void name(inout float x[TM]) {                                                        \
    EACH(uint s = 1; s < W; s *= 2) {                                                   \
      bool hi = (LANE & s) != 0;                                                        \
      EACH(uint i = 0; i < TM; i += 2 * s) {                                            \
        float other = s < TM ? x[min(i + s, TM - 1)] : x[i];                            \
        x[i] = op(hi ? other : x[i], subgroupShuffleXor(hi ? x[i] : other, s));         \
      }                                                                                 \
    }                                                                                   \
  }
float plus(float a, float b) { return a + b; }
FOLD(foldMax, max)
FOLD(foldSum, plus)

// tile numbers the workgroup's tile on the first axis. The device may cut a grid
// in halves, and under a causal mask late tiles see more: evens come first.
uint tile() {
  uint t = gl_WorkGroupID.x, n = (gl_NumWorkGroups.x + 1) / 2;
  return t < n ? 2 * t : 2 * (t - n) + 1;
}
