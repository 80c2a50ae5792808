package shard

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// samples are the table cases that round trips, the fuzz seeds and the
// cross-checks share.
func samples() []Sample {
	return []Sample{
		{ID: "clip-1", Kind: KindCube, Grid: []int32{2, 2, 2}, Tokens: []int64{1, 2, 3, 4, 5, 6, 7, 8}, Source: "a.mp4"},
		{ID: "no tokens", Kind: KindQuad, Grid: []int32{}, Tokens: []int64{}},
		{
			ID: "codes", Kind: KindOctree, Grid: []int32{math.MaxInt32, math.MinInt32},
			Tokens: []int64{math.MaxInt64, math.MinInt64, -1, 0}, Source: "größe/✓.glb",
			Meta: map[string]string{"seed": "7", "depth": "6", "": "", "a": "b"},
		},
	}
}

// many returns n samples of about size tokens each.
func many(n, size int) []Sample {
	rng := rand.New(rand.NewPCG(1, 2))
	out := make([]Sample, n)
	for i := range out {
		tokens := make([]int64, 1+rng.IntN(2*size))
		for j := range tokens {
			tokens[j] = rng.Int64N(1 << 14)
		}
		out[i] = Sample{
			ID: fmt.Sprintf("sample-%06d", i), Kind: KindCube, Grid: []int32{1, 1, int32(len(tokens))},
			Tokens: tokens, Source: "made", Meta: map[string]string{"n": fmt.Sprint(i)},
		}
	}
	return out
}

func write(t testing.TB, path string, list []Sample) {
	t.Helper()
	w, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	for _, s := range list {
		if err := w.Write(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRoundTrip(t *testing.T) {
	for name, list := range map[string][]Sample{
		"none": nil, "few": samples(), "several row groups": many(900, 400), "one long": many(1, 600_000),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s.parquet")
			write(t, path, list)
			got, err := ReadAll(path, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(list) {
				t.Fatalf("%d samples back, wrote %d", len(got), len(list))
			}
			for i := range list {
				if !reflect.DeepEqual(got[i], list[i]) {
					t.Fatalf("sample %d:\n got %.200v\nwant %.200v", i, got[i], list[i])
				}
			}
		})
	}
}

// columns is a shard's row as parquet-go has it.
type columns struct {
	ID     string            `parquet:"id"`
	Kind   string            `parquet:"kind"`
	Grid   []int32           `parquet:"grid,list"`
	Tokens []int64           `parquet:"tokens,list"`
	Source string            `parquet:"source"`
	Meta   map[string]string `parquet:"meta"`
}

// TestGeneralReader reads our files with parquet-go's reader, which shares no
// code with ours. One sample is longer than any page that parquet-go would write.
func TestGeneralReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.parquet")
	list := append(append(samples(), many(300, 600)...), many(1, 300_000)...)
	write(t, path, list)
	checkSchema(t, path)
	rows, err := parquet.ReadFile[columns](path)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(list) {
		t.Fatalf("%d rows, want %d", len(rows), len(list))
	}
	for i, row := range rows {
		got, want := Sample(row), list[i]
		if len(got.Meta) == 0 {
			got.Meta = nil
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("row %d:\n got %.200v\nwant %.200v", i, got, want)
		}
	}
}

// checkSchema compares the names, types and nesting of a file's columns with those that
// parquet-go gives the Go shape, whose plain integers it calls so where we leave it open.
func checkSchema(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	p, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.NewReplacer(" (INT(32,true))", "", " (INT(64,true))", "")
	if got, want := plain.Replace(p.Schema().String()), plain.Replace(parquet.SchemaOf(columns{}).String()); got != want {
		t.Errorf("schema %s\nwant %s", got, want)
	}
}

// TestLongSample bounds what a sample takes to write: little beside its compressed
// tokens, whatever its length.
func TestLongSample(t *testing.T) {
	tokens := make([]int64, 1<<20)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range tokens {
		tokens[i] = int64(rng.Uint32())
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	write(t, filepath.Join(t.TempDir(), "s.parquet"), []Sample{{ID: "film", Kind: KindCube, Tokens: tokens}})
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 5*uint64(len(tokens))*8 {
		t.Errorf("%d bytes were allocated for %d bytes of tokens", n, 8*len(tokens))
	}
}

// TestOtherWriters reads files that pyarrow 26 wrote: pages of both versions,
// dictionaries, nulls, list and map columns that may be null, a column more.
func TestOtherWriters(t *testing.T) {
	fives := make([]int64, 100)
	for i := range fives {
		fives[i] = 5
	}
	want := []Sample{
		{ID: "a", Kind: "cube", Grid: []int32{1, 2, 3}, Tokens: []int64{1, 2, 3, -1}, Source: "x", Meta: map[string]string{"k": "v", "k2": ""}},
		{ID: "b", Kind: "cube", Grid: []int32{4}, Tokens: []int64{}},
		{ID: "c", Kind: "quad", Grid: []int32{}, Tokens: []int64{math.MaxInt64, math.MinInt64}, Source: "z"},
		{ID: "", Kind: "octree", Grid: []int32{}, Tokens: fives, Source: "é", Meta: map[string]string{"q": "w"}},
	}
	for _, name := range []string{"pyarrow_v1_none", "pyarrow_v1_snappy_dictionary", "pyarrow_v2_zstd_plain"} {
		got, err := ReadAll(filepath.Join("testdata", name+Ext), Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s:\n got %v\nwant %v", name, got, want)
		}
	}
	_, err := ReadAll(filepath.Join("testdata", "pyarrow_delta.parquet"), Limits{})
	if !errors.Is(err, ErrSchema) || !strings.Contains(err.Error(), `"id"`) {
		t.Errorf("delta encoding: %v, want ErrSchema naming the column id", err)
	}
}

func TestRandomAccess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.parquet")
	list := many(1000, 500)
	write(t, path, list)
	r, err := Open(path, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if len(r.footer.groups) < 3 {
		t.Fatalf("%d row groups; the test wants several", len(r.footer.groups))
	}
	ids, err := r.Index()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{999, 0, 500, 501, 3, 998} {
		s, err := r.At(i)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(s, list[i]) || ids[i] != s.ID {
			t.Fatalf("At(%d) is %.80v, index says %q", i, s, ids[i])
		}
	}
	for _, i := range []int{-1, 1000} {
		if _, err := r.At(i); !errors.Is(err, ErrRange) {
			t.Fatalf("At(%d): %v, want ErrRange", i, err)
		}
	}
	r.Close()
	if _, err := r.At(0); !errors.Is(err, ErrClosed) {
		t.Fatalf("At after Close: %v, want ErrClosed", err)
	}
}

func TestDeterministicBytes(t *testing.T) {
	dir := t.TempDir()
	list := append(samples(), many(400, 500)...)
	var first []byte
	for i := range 3 {
		path := filepath.Join(dir, fmt.Sprintf("%d.parquet", i))
		write(t, path, list)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b
		}
		if !bytes.Equal(b, first) {
			t.Fatalf("write %d of equal samples differs", i)
		}
	}
}

func TestWriterErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s.parquet")
	w, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]Sample{
		"no id": {Kind: "cube"}, "no kind": {ID: "a"}, "id": {ID: "\xff", Kind: "cube"},
		"meta": {ID: "a", Kind: "cube", Meta: map[string]string{"k": "\xff"}},
		"long": {ID: "a", Kind: "cube", Tokens: make([]int64, MaxTokens+1)},
	} {
		if err := w.Write(s); !errors.Is(err, ErrSample) {
			t.Errorf("%s: %v, want ErrSample", name, err)
		}
	}
	if err := w.Write(samples()[0]); err != nil {
		t.Fatalf("a good sample after bad ones: %v", err)
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(samples()[0]); !errors.Is(err, ErrClosed) {
		t.Errorf("Write after Abort: %v, want ErrClosed", err)
	}
	if err := w.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("Close after Abort: %v, want ErrClosed", err)
	}
	if list, _ := os.ReadDir(dir); len(list) != 0 {
		t.Errorf("Abort left %v", list)
	}
	if _, err := Create(filepath.Join(dir, "missing", "s.parquet")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing folder: %v", err)
	}
}

func TestGlob(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "odd [name]")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"b.parquet", "a.parquet", ".partial-1-a.parquet", ".c.parquet", "note.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Glob(dir)
	want := []string{filepath.Join(dir, "a.parquet"), filepath.Join(dir, "b.parquet")}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("Glob: %v, %v, want %v", got, err, want)
	}
	if _, err := Glob(filepath.Join(t.TempDir(), "*.parquet")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("no match: %v, want fs.ErrNotExist", err)
	}
}

func TestNextEndsWithEOF(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.parquet")
	write(t, path, samples())
	r, err := Open(path, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for range samples() {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Fatalf("past the end: %v, want io.EOF", err)
		}
	}
}
