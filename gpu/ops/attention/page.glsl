// Keys and values lie in pages of 2^shift slots, rows of g·dh halves: slot s of
// sequence b is row s mod 2^shift of page table[b, s / 2^shift]. With CACHE32 they are
// rows of floats.
#ifdef CACHE32
#define CACHE_ELEM 4 // bytes of an element
#else
#define CACHE_ELEM 2
#endif

// pageOf returns the page of a slot, -1 where none is; seq must be one that there is,
// as lavapipe of Mesa 26.2 reads the table also where no lane asks.
int pageOf(uint64_t table, uint perSeq, uint pages, uint shift, uint seq, uint slot) {
  uint i = slot >> shift;
  int page = I32(table + 4ul * (uint64_t(seq) * perSeq + min(i, perSeq - 1))).v[0];
  return i < perSeq && page < int(pages) ? page : -1;
}

// slotAt is where a slot of a page begins, in bytes; width is g·dh.
uint64_t slotAt(int page, uint shift, uint slot, uint width) {
  return uint64_t(CACHE_ELEM) * ((uint64_t(max(page, 0)) << shift) + (slot & (1u << shift) - 1)) * width;
}
