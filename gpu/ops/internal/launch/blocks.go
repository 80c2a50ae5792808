package launch

// Blocks cuts n rows into at most 64 blocks of equal height, 64 rows at least:
// the two stages of sums over rows. It depends on n alone.
func Blocks(n int) (blocks, height int) {
	height = max(64, Ceil(n, 64))
	return Ceil(n, height), height
}
