package sequence

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/morton-gen/morton/mesh"
)

var table = flag.String("table", "", "file that TestCodingTable writes")

// TestCodingsLossless checks, on all fixtures, that each coding gives back the quantised
// mesh: the same faces in the same winding. Triangle codings are held to the mesh cut
// into triangles, the one without winding to faces without winding.
func TestCodingsLossless(t *testing.T) {
	for _, levels := range []int{128, 512} {
		for _, name := range Names() {
			c, err := Open(name, Options{Levels: levels})
			if err != nil {
				t.Fatal(err)
			}
			for file, m := range fixtures(t) {
				tokens, report, err := c.Encode(m)
				if err != nil {
					t.Fatalf("%s %s: %v", name, file, err)
				}
				if i := slices.IndexFunc(tokens, func(t int32) bool { return t < 0 || int(t) >= c.VocabSize() }); i >= 0 {
					t.Fatalf("%s %s: token %d of %d", name, file, tokens[i], c.VocabSize())
				}
				q, decoded, err := Read(c, tokens, false)
				if err != nil {
					t.Fatalf("%s %s: %v, %+v", name, file, err, decoded)
				}
				if decoded.BadFaces+decoded.DegenerateFaces+decoded.PartialTokens != 0 || len(tokens) != report.Tokens {
					t.Errorf("%s %s: %+v, written %+v", name, file, decoded, report)
				}
				checkCoding(t, c, m, q, file)
			}
		}
	}
}

// checkCoding compares q with what the coding was given.
func checkCoding(t *testing.T, c Coding, m *mesh.Mesh, q *Quantized, file string) {
	t.Helper()
	levels := Options{Levels: q.Levels}
	if c.Name() == NameQuads || c.Name() == NameGates {
		if want, _, err := Quantize(m, levels); err != nil || !reflect.DeepEqual(q, want) {
			t.Errorf("%s %s at %d: another mesh, %d faces: %v", c.Name(), file, q.Levels, len(q.Faces), err)
		}
		return
	}
	cut, _, err := newTriangles(m, levels, BlockFirst.compare)
	if err != nil {
		t.Fatal(err)
	}
	if c.Name() == NameAdjacency {
		cut.dropFlat()
	}
	var want [][3]Cell
	for _, f := range cut.faces {
		want = append(want, [3]Cell{cut.vertices[f[0]], cut.vertices[f[1]], cut.vertices[f[2]]})
	}
	unwound := c.Name() == NameAdjacency
	if !slices.Equal(soup(q, unwound), canonicalSoup(want, unwound)) {
		t.Errorf("%s %s at %d: another mesh", c.Name(), file, q.Levels)
	}
}

// TestGatesShort holds the coding of quads to 4.5 tokens a face over the fixtures: of all
// faces, and as the mean of the fixtures.
func TestGatesShort(t *testing.T) {
	for _, levels := range []int{128, 512} {
		tokens, faces, sum := 0, 0, 0.0
		for _, m := range fixtures(t) {
			_, report, err := Gates{Options{Levels: levels}}.Encode(m)
			if err != nil {
				t.Fatal(err)
			}
			sum += float64(report.Tokens) / float64(report.Faces)
			tokens, faces = tokens+report.Tokens, faces+report.Faces
		}
		all, mean := float64(tokens)/float64(faces), sum/21
		if t.Logf("%d levels: %.3f tokens a face, mean %.3f", levels, all, mean); all > 4.5 || mean > 4.5 {
			t.Errorf("%d levels: %.3f tokens a face, mean %.3f, want 4.5 or fewer", levels, all, mean)
		}
	}
}

// TestOpen checks what names and levels are refused.
func TestOpen(t *testing.T) {
	for _, c := range []struct {
		name   string
		levels int
		ok     bool
	}{
		{"", 1024, true},
		{"bpt", 120, false},
		{"bpt", 2048, false},
		{"bpt", 1024, true},
		{"deepmesh", 512, true},
		{"deepmesh", 192, false},
		{"gates", 100, true},
		{"strips", 128, false},
		{"adjacency", 1, false},
	} {
		coding, err := Open(c.name, Options{Levels: c.levels})
		if c.ok != (err == nil) || !c.ok && !errors.Is(err, ErrOptions) {
			t.Errorf("Open(%q, %d): %v", c.name, c.levels, err)
		}
		if c.ok && c.name != "" && coding.Name() != c.name {
			t.Errorf("Open(%q) is %q", c.name, coding.Name())
		}
	}
	for want, c := range map[int]Coding{5121: BPT{Options: Options{Levels: 128}}, 4738: DeepMesh{Options: Options{Levels: 512}}} {
		if c.VocabSize() != want {
			t.Errorf("%s has %d tokens, want %d", c.Name(), c.VocabSize(), want)
		}
	}
}

// FuzzCodings reads arbitrary streams in every coding. What is left of one encodes to
// tokens that are read strictly, as the same mesh.
func FuzzCodings(f *testing.F) {
	f.Add(uint8(1), []byte{0, 0, 2, 3, 2, 200, 18, 1})
	f.Add(uint8(4), []byte{0, 131, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0, 9, 0, 10, 0, 11, 0, 128})
	f.Add(uint8(3), []byte{0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0, 9, 0, 128})
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		c, err := Open(Names()[int(which)%len(Names())], Options{Levels: 128})
		if err != nil {
			t.Fatal(err)
		}
		var tokens []int32
		for i := 0; i+1 < len(data); i += 2 {
			tokens = append(tokens, int32(int16(uint16(data[i])<<8|uint16(data[i+1]))))
		}
		_, _, _ = Read(c, tokens, false)
		q, report, err := Read(c, tokens, true)
		if err != nil {
			return
		}
		if report.Faces != len(q.Faces) || report.Faces > len(tokens) {
			t.Fatalf("%d faces of %d tokens, %+v", len(q.Faces), len(tokens), report)
		}
		again, _, err := c.Encode(q.Mesh())
		if errors.Is(err, mesh.ErrEmpty) && c.Name() == NameAdjacency {
			return // every face is flat
		}
		if err != nil {
			t.Fatalf("%s: %v", c.Name(), err)
		}
		back, _, err := Read(c, again, false)
		if err != nil {
			t.Fatalf("%s: %v", c.Name(), err)
		}
		if c.Name() != NameAdjacency && !reflect.DeepEqual(back, q) {
			t.Fatalf("%s: %d faces come back as %d", c.Name(), len(q.Faces), len(back.Faces))
		}
	})
}

// TestCodingTable writes tokens a face of each coding, faces lost and time to a file.
func TestCodingTable(t *testing.T) {
	if *table == "" {
		t.Skip("-table names no file")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Face tokens\n\nTokens of each coding for a face of the source (of three or four corners, after quantisation), the end token with them.\n")
	fmt.Fprintf(&b, "Lost are faces that quantisation leaves with fewer than three corners, or makes repeat another. `bpt`, `deepmesh` and\n`adjacency` cut quads into triangles.")
	fmt.Fprintf(&b, " ns are those of encoding and reading, a face of the source.\nMachine: %s/%s, %d CPUs, shared with other work: times are rough. Date: %s. Made by\n`go test ./mesh/sequence -run TestCodingTable -table ../../docs/benchmarks/face-tokens.md`.\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), time.Now().UTC().Format(time.DateOnly))
	meshes := fixtures(t)
	for _, levels := range []int{128, 512} {
		fmt.Fprintf(&b, "\n## %d levels\n\n| fixture | faces | lost | %s |\n|---|---|---|%s\n", levels, strings.Join(Names(), " | "), strings.Repeat("---|", len(Names())))
		sums, spent, faces, lost := make([]int, len(Names())), make([]time.Duration, len(Names())), 0, 0
		for _, file := range slices.Sorted(maps.Keys(meshes)) {
			var row strings.Builder
			var base Report
			for i, name := range Names() {
				c, err := Open(name, Options{Levels: levels})
				if err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				tokens, report, err := c.Encode(meshes[file])
				if err != nil {
					t.Fatal(err)
				}
				if _, _, err := Read(c, tokens, false); err != nil {
					t.Fatal(err)
				}
				spent[i] += time.Since(begin)
				if i == 0 {
					base = report
				}
				sums[i] += len(tokens)
				fmt.Fprintf(&row, " %.2f |", float64(len(tokens))/float64(base.Faces))
			}
			gone := base.DegenerateFaces + base.DuplicateFaces
			faces, lost = faces+base.Faces, lost+gone
			fmt.Fprintf(&b, "| %s | %d | %d |%s\n", file, base.Faces, gone, row.String())
		}
		fmt.Fprintf(&b, "| all | %d | %d |", faces, lost)
		for _, n := range sums {
			fmt.Fprintf(&b, " %.2f |", float64(n)/float64(faces))
		}
		fmt.Fprintf(&b, "\n| ns a face | | |")
		for _, d := range spent {
			fmt.Fprintf(&b, " %d |", d.Nanoseconds()/int64(faces))
		}
		b.WriteString("\n")
	}
	if err := os.WriteFile(*table, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
