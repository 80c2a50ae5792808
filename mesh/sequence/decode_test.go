package sequence

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

const (
	p = 8 // the pad and the end at 8 levels
	e = 9
)

var (
	quad     = []int32{0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1}
	triangle = []int32{p, p, p, 0, 0, 2, 0, 1, 0, 0, 1, 1}
	second   = []int32{0, 0, 3, 0, 1, 0, 0, 1, 1, 0, 0, 4}
)

// cases are shared by the tests and the fuzz seeds. Strict decoding must fail
// at the given position, or not at all if it is -1; tolerant decoding must give
// the report.
var cases = []struct {
	name   string
	tokens []int32
	at     int
	report DecodeReport
}{
	{"one quad", join(quad, []int32{e}), -1, DecodeReport{Faces: 1, Quads: 1, Ended: true}},
	{"quad and triangle", join(quad, triangle, []int32{e}), -1, DecodeReport{Faces: 2, Quads: 1, Triangles: 1, Ended: true}},
	{"no end", join(quad, triangle), 24, DecodeReport{Faces: 2, Quads: 1, Triangles: 1}},
	{"partial face", join(quad, triangle[:5]), 17, DecodeReport{Faces: 1, Quads: 1, PartialTokens: 5}},
	{"end inside a face", join(quad, triangle[:5], []int32{e, 1}), 17, DecodeReport{Faces: 1, Quads: 1, PartialTokens: 5, TrailingTokens: 1, Ended: true}},
	{"more after the end", join(quad, []int32{e}, triangle), 13, DecodeReport{Faces: 1, Quads: 1, TrailingTokens: 12, Ended: true}},
	{"two ends", join(quad, []int32{e, e}), 13, DecodeReport{Faces: 1, Quads: 1, TrailingTokens: 1, Ended: true}},
	{"one pad", join(quad, []int32{p, 1}, triangle[2:], []int32{e}), 13, DecodeReport{Faces: 1, Quads: 1, BadFaces: 1, Ended: true}},
	{"pad in the middle", join(quad[:4], []int32{p}, quad[5:], triangle, []int32{e}), 4, DecodeReport{Faces: 1, Triangles: 1, BadFaces: 1, Ended: true}},
	{"four pads", join(quad, triangle[:3], []int32{p}, triangle[4:], []int32{e}), 15, DecodeReport{Faces: 1, Quads: 1, BadFaces: 1, Ended: true}},
	{"out of range", join(quad, []int32{e + 1}, triangle[1:], []int32{e}), 12, DecodeReport{Faces: 1, Quads: 1, BadFaces: 1, Ended: true}},
	{"negative", join(quad, triangle[:11], []int32{-1, e}), 23, DecodeReport{Faces: 1, Quads: 1, BadFaces: 1, Ended: true}},
	{"vertex twice", join(quad, second[:9], second[3:6], []int32{e}), 21, DecodeReport{Faces: 1, Quads: 1, DegenerateFaces: 1, Ended: true}},
	{"vertex twice after a triangle", join(triangle, second[:9], second[3:6], []int32{e}), 21, DecodeReport{Faces: 1, Triangles: 1, DegenerateFaces: 1, Ended: true}},
	{"face twice", join(quad, quad, []int32{e}), 12, DecodeReport{Faces: 1, Quads: 1, DuplicateFaces: 1, OutOfOrder: 1, Ended: true}},
	{"faces out of order", join(triangle, quad, []int32{e}), 12, DecodeReport{Faces: 2, Quads: 1, Triangles: 1, OutOfOrder: 1, Ended: true}},
	{"face not rotated", join(quad, second[3:], second[:3], []int32{e}), 12, DecodeReport{Faces: 2, Quads: 2, OutOfOrder: 1, Ended: true}},
}

func join(parts ...[]int32) []int32 { return slices.Concat(parts...) }

func TestDecode(t *testing.T) {
	for _, c := range cases {
		_, _, err := Decode(c.tokens, Options{Levels: 8})
		switch {
		case c.at < 0 && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.at >= 0 && (!errors.Is(err, ErrToken) || !strings.HasSuffix(err.Error(), fmt.Sprintf("at %d", c.at))):
			t.Errorf("%s: %v, want %v at %d", c.name, err, ErrToken, c.at)
		}
		q, report, err := DecodeQuantized(c.tokens, Options{Levels: 8, Tolerant: true})
		if err != nil || report != c.report {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", c.name, report, err, c.report)
			continue
		}
		if back, _, err := DecodeQuantized(q.Tokens(), Options{Levels: 8}); err != nil || !reflect.DeepEqual(back, q) {
			t.Errorf("%s: what was kept is not canonical: %v", c.name, err)
		}
	}
}

func TestDecodeNothing(t *testing.T) {
	for name, tokens := range map[string][]int32{"nothing": nil, "end": {e}, "partial": quad[:7], "bad": join(quad[:11], []int32{p, e})} {
		if _, _, err := Decode(tokens, Options{Levels: 8, Tolerant: true}); !errors.Is(err, mesh.ErrEmpty) {
			t.Errorf("%s: %v, want %v", name, err, mesh.ErrEmpty)
		}
	}
	if _, _, err := Decode([]int32{e}, Options{Levels: 8}); !errors.Is(err, mesh.ErrEmpty) {
		t.Errorf("a strict decode of nothing: %v", err)
	}
	if _, _, err := Decode(quad, Options{Levels: 1, Tolerant: true}); !errors.Is(err, ErrOptions) {
		t.Errorf("one level: %v", err)
	}
}

// FuzzDecode checks that a strict decode accepts exactly what encoding writes,
// and that whatever a tolerant decode keeps is canonical and adds up.
func FuzzDecode(f *testing.F) {
	for _, c := range cases {
		var text []byte
		for _, token := range c.tokens {
			text = binary.LittleEndian.AppendUint16(text, uint16(token))
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var tokens []int32
		for ; len(text) >= 2; text = text[2:] {
			tokens = append(tokens, int32(int16(binary.LittleEndian.Uint16(text))))
		}
		o := Options{Levels: 8}
		if m, _, err := Decode(tokens, o); err == nil {
			again, _, err := Encode(m, o)
			if err != nil || !slices.Equal(again, tokens) {
				t.Fatalf("%v was accepted, and encodes to %v: %v", tokens, again, err)
			}
		}
		o.Tolerant = true
		q, r, err := DecodeQuantized(tokens, o)
		if err != nil {
			if !errors.Is(err, mesh.ErrEmpty) {
				t.Fatal(err)
			}
			return
		}
		back, _, err := DecodeQuantized(q.Tokens(), Options{Levels: 8})
		if err != nil || !reflect.DeepEqual(back, q) {
			t.Fatalf("%v: what was kept is not canonical: %v", tokens, err)
		}
		ends := 0
		if r.Ended {
			ends = 1
		}
		seen := FaceTokens*(r.Faces+r.BadFaces+r.DegenerateFaces+r.DuplicateFaces) + r.PartialTokens + r.TrailingTokens + ends
		if seen != len(tokens) || r.Faces != r.Triangles+r.Quads || q.Mesh().Validate() != nil {
			t.Fatalf("%d tokens, %d accounted for: %+v", len(tokens), seen, r)
		}
	})
}

func ExampleDecode() {
	tokens, _, err := Encode(mesh.Grid(1), Options{Levels: 16})
	if err != nil {
		fmt.Println(err)
		return
	}
	broken := append(tokens[:12:12], 3, 1, 4) // a sampler was cut off
	m, report, err := Decode(broken, Options{Levels: 16, Tolerant: true})
	fmt.Println(m.NumFaces(), "face,", report.PartialTokens, "tokens dropped,", err)
	_, _, err = Decode(broken, Options{Levels: 16})
	fmt.Println(err)
	// Output:
	// 1 face, 3 tokens dropped, <nil>
	// sequence.Decode: bad token: no end, at 15
}

func BenchmarkDecode(b *testing.B) {
	m, _, _, err := mesh.Normalize(mesh.QuadSphere(60), 0.95)
	if err != nil {
		b.Fatal(err)
	}
	tokens, _, err := Encode(m, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Decode(tokens, Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(tokens))*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
}
