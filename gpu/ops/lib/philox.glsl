// Philox4x32-10: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
// easy as 1, 2, 3", SC 2011. Stateless: a counter and a key give four words.
uvec4 philox(uvec4 c, uvec2 k) {
  for (uint i = 0; i < 10; i++) {
    uint h0, l0, h1, l1;
    umulExtended(0xD2511F53u, c.x, h0, l0);
    umulExtended(0xCD9E8D57u, c.z, h1, l1);
    c = uvec4(h1 ^ c.y ^ k.x, l1, h0 ^ c.w ^ k.y, l0);
    k += uvec2(0x9E3779B9u, 0xBB67AE85u);
  }
  return c;
}

// uniform24 maps a word to [0, 1) in steps of 2^-24.
float uniform24(uint x) { return float(x >> 8) * 5.9604644775390625e-8; }
