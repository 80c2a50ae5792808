package kl

import "testing"

// TestPatches puts the numbers of tokens of 2 by 2 latents in their places: channels, rows,
// columns, with the columns fastest.
func TestPatches(t *testing.T) {
	p := pictures{codec: &Codec{cfg: Config{Z: 3}}, patch: 2}
	const rows, cols = 2, 3
	seen := map[int]bool{}
	for token := range rows * cols {
		for c := range 3 {
			for y := range 2 {
				for x := range 2 {
					at := p.at(token, (c*2+y)*2+x, cols)
					if want := ((token/cols*2+y)*cols*2+token%cols*2+x)*3 + c; at != want || seen[at] {
						t.Errorf("channel %d of latent %d, %d of token %d is at %d, want %d", c, y, x, token, at, want)
					}
					seen[at] = true
				}
			}
		}
	}
	if p.width() != 12 || len(seen) != rows*cols*12 {
		t.Errorf("%d numbers in %d places", p.width(), len(seen))
	}
}
