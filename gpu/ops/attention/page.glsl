// Keys and values lie in pages of 2^shift slots, rows of g·dh halves: slot s of
// sequence b is row s mod 2^shift of page table[b, s / 2^shift].

// pageOf returns the page of a slot, -1 where none is.
int pageOf(uint64_t table, uint perSeq, uint pages, uint shift, uint seq, uint slot) {
  uint i = slot >> shift;
  int page = i < perSeq ? I32(table + 4ul * (uint64_t(seq) * perSeq + i)).v[0] : -1;
  return page < int(pages) ? page : -1;
}

// slotAt is where a slot of a page begins, in bytes; width is g·dh.
uint64_t slotAt(int page, uint shift, uint slot, uint width) {
  return 2ul * ((uint64_t(max(page, 0)) << shift) + (slot & (1u << shift) - 1)) * width;
}
