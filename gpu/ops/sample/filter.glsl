// Which tokens of a row of logits may be drawn. Of those that may(i) allows, in lo <= i <
// hi, the k largest stay (0: all; ties at the edge all stay), of those the fewest whose
// probability reaches top_p (1: all), and none whose probability is below min_p times the
// largest. Temperature 0 filters nothing. order.glsl and may come first.
const float LOWEST = -3.4e38;

struct Filter {
  float top;   // the largest logit
  uint floor_; // tokens ordered below it are out,
  float least; // and those below it
};

float logit(F32 x, uint i) { return may(i) ? x.v[i] : LOWEST; }

bool passes(Filter f, float y) { return order(y) >= f.floor_ && y >= f.least; }

Filter filterOf(F32 x, uint lo, uint hi, uint k, float temperature, float top_p, float min_p) {
  float top = LOWEST;
  for (uint i = lo + LANE; i < hi; i += W) top = max(top, logit(x, i));
  top = subgroupMax(top);

  uint floor_ = 0;
  if (temperature > 0 && k > 0 && k < hi - lo) {
    for (uint bit = 0x80000000u; bit != 0; bit >>= 1) {
      uint cut = floor_ | bit, count = 0;
      for (uint i = lo + LANE; i < hi; i += W) count += order(logit(x, i)) >= cut ? 1 : 0;
      if (subgroupAdd(count) >= k) floor_ = cut;
    }
  }
  if (temperature > 0 && top_p < 1) {
    float total = 0;
    for (uint i = lo + LANE; i < hi; i += W)
      if (order(logit(x, i)) >= floor_) total += exp((logit(x, i) - top) / temperature);
    float want = subgroupAdd(total) * top_p;
    uint edge = floor_;
    floor_ = 0;
    for (uint bit = 0x80000000u; bit != 0; bit >>= 1) {
      uint cut = floor_ | bit;
      float mass = 0;
      for (uint i = lo + LANE; i < hi; i += W)
        if (order(logit(x, i)) >= max(cut, edge)) mass += exp((logit(x, i) - top) / temperature);
      if (subgroupAdd(mass) >= want) floor_ = cut;
    }
    floor_ = min(max(floor_, edge), order(top));
  }
  float least = LOWEST;
  if (temperature > 0 && min_p > 0) least = min(top + temperature * log(min_p), top);
  return Filter(top, floor_, least);
}

// gumbel makes a number of Gumbel's distribution of a random word.
float gumbel(uint word) { return -log(-log(uniform24(word) + 2.98023223876953125e-8)); }
