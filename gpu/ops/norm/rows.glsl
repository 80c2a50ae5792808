// What the kernels of this folder share: rows in groups, and sums over a row.

// rowAt is the address of row r of d columns: groups of inner rows that touch,
// ld elements from group to group.
// FLAT (specialization constant 2) says that inner is 1, which saves the division.
layout(constant_id = 2) const uint FLAT = 0;
uint64_t rowAt(uint64_t base, uint r, uint inner, uint d, uint ld) {
  if (FLAT != 0) return base + 4ul * uint64_t(r) * ld;
  return base + 4ul * (uint64_t(r / inner) * ld + (r % inner) * d);
}

// OVER runs body for every pair i of a lane, four pairs a pass where they fit.
#define OVER(i, pairs, body)                                                      \
  {                                                                               \
    uint full = (pairs) / (4 * W) * (4 * W);                                      \
    for (uint base = LANE; base < full; base += 4 * W)                            \
      for (uint u = 0; u < 4; u++) { uint i = base + u * W; body }                \
    for (uint i = full + LANE; i < (pairs); i += W) { body }                      \
  }
