package faces

import (
	"math/rand/v2"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/grammar"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/sequence"
)

// TestGrammarWritesCanonicalMeshes draws sequences at random under the rules of
// gpu/ops/grammar. The strict decoder, which accepts only what encoding writes,
// must take them all, and no edge may run twice in one direction.
func TestGrammarWritesCanonicalMeshes(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const slots, faces = 16, 20
		for _, levels := range []int{16, 128} {
			o := sequence.Options{Levels: levels}
			for slot, tokens := range drawFaces(t, dev, levels, slots, faces) {
				q, report, err := sequence.DecodeQuantized(append(tokens, o.EOS()), o)
				if err != nil {
					t.Fatalf("levels %d, slot %d: %v (%+v)", levels, slot, err, report)
				}
				if report.Faces != faces {
					t.Errorf("levels %d, slot %d: %d faces of %d are left", levels, slot, report.Faces, faces)
				}
				if repeated(q.Mesh()) {
					t.Errorf("levels %d, slot %d: an edge runs twice in one direction", levels, slot)
				}
			}
		}
	})
}

// repeated reports whether two corners of a mesh begin the same directed edge.
func repeated(m *mesh.Mesh) bool {
	seen := map[[2]int32]bool{}
	for f := range m.NumFaces() {
		c := m.Face(f)
		for i, a := range c {
			e := [2]int32{a, c[(i+1)%len(c)]}
			if seen[e] {
				return true
			}
			seen[e] = true
		}
	}
	return false
}

// drawFaces draws whole faces in every slot, uniformly among what the mask leaves
// but the end, a position of all slots at a time.
func drawFaces(t *testing.T, dev *gpu.Device, levels, slots, faces int) [][]int32 {
	t.Helper()
	length, words := faces*sequence.FaceTokens, sample.MaskWords(levels+2)
	out, err := dev.NewTensor(tensor.U32, slots, words)
	if err != nil {
		t.Fatal(err)
	}
	table, seq := gputest.U32(t, dev, make([]int32, slots*length), slots, length, 1), gputest.I32(t, dev, counting(slots), slots)
	draw := gputest.U32(t, dev, make([]int32, slots*sample.DrawWords), slots, sample.DrawWords)
	rec := dev.NewRecorder()
	rec.Copy(out, grammar.Faces(rec, grammar.FacesArgs{Tokens: table, Seq: seq, Draw: draw, Levels: levels}))
	p, err := rec.Finish()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Free()
	r, tokens := rand.New(rand.NewPCG(1, uint64(levels))), make([][]int32, slots)
	for at := range length {
		var rows, flat []int32
		for s := range slots {
			rows = append(rows, 0, 0, 0, int32(at), 0, 0, 0, 1)
			flat = append(append(flat, tokens[s]...), make([]int32, length-at)...)
		}
		if err := draw.WriteI32(rows); err != nil {
			t.Fatal(err)
		}
		if err := table.WriteI32(flat); err != nil {
			t.Fatal(err)
		}
		if err := p.Run(1); err != nil {
			t.Fatal(err)
		}
		masks, err := out.I32()
		if err != nil {
			t.Fatal(err)
		}
		for s := range slots {
			tokens[s] = append(tokens[s], pick(r, masks[s*words:(s+1)*words], int32(levels), at%sequence.FaceTokens))
		}
	}
	return tokens
}

func counting(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(i)
	}
	return out
}

// pick draws a token that the mask leaves, the pad included and the end not. A
// face's first corner stays low, or the ascending order would soon end at the
// highest vertex of all, where the rules give way.
func pick(r *rand.Rand, mask []int32, levels int32, slot int) int32 {
	var left []int32
	for t := range levels + 1 {
		if uint32(mask[t/32])>>(t%32)&1 == 1 {
			left = append(left, t)
		}
	}
	switch {
	case slot == 0 && r.IntN(4) == 0:
		return left[len(left)-1] // the pad
	case slot < 6:
		return left[r.IntN(min(2, len(left)))]
	}
	return left[r.IntN(len(left))]
}
