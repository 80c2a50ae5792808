package sample

// Philox is Philox4x32-10: four random words from a counter and a key, the same
// function the kernels compute.
//
// Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1,
// 2, 3", SC 2011.
func Philox(ctr [4]uint32, key [2]uint32) [4]uint32 {
	for range 10 {
		p0, p1 := uint64(ctr[0])*0xD2511F53, uint64(ctr[2])*0xCD9E8D57
		ctr = [4]uint32{uint32(p1>>32) ^ ctr[1] ^ key[0], uint32(p1), uint32(p0>>32) ^ ctr[3] ^ key[1], uint32(p0)}
		key[0] += 0x9E3779B9
		key[1] += 0xBB67AE85
	}
	return ctr
}

// Stream returns the key and the counter word of a request's randomness. Every bit
// of seed and request enters: two requests of one seed share a stream only if their
// 64-bit numbers are equal, but for an accident of 2⁻⁹⁶.
func Stream(seed, request uint64) (key [2]uint32, counter uint32) {
	mixed := Philox([4]uint32{uint32(request), uint32(request >> 32)}, [2]uint32{uint32(seed), uint32(seed >> 32)})
	return [2]uint32{mixed[0], mixed[1]}, uint32(request)
}
