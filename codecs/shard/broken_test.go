package shard

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// tight are the limits that the fuzz target and the broken inputs run under.
var tight = Limits{FileBytes: 64 << 20, Samples: 1 << 20, GroupBytes: 8 << 20, Tokens: 1 << 20}

func readBytes(b []byte) ([]Sample, error) {
	r, err := newReader(bytes.NewReader(b), int64(len(b)), tight)
	if err != nil {
		return nil, err
	}
	return r.rest()
}

// shardBytes are the bytes that a Writer gives for list, without the file.
func shardBytes(t testing.TB, list []Sample) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := newWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if err := w.Write(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.finish(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBrokenInputs(t *testing.T) {
	good := shardBytes(t, samples())
	longFooter := append([]byte(nil), good...)
	binary.LittleEndian.PutUint32(longFooter[len(longFooter)-8:], 1<<31)
	damaged := append([]byte(nil), good...)
	frame := bytes.Index(damaged, []byte{0x28, 0xb5, 0x2f, 0xfd}) // the first page's zstd magic
	damaged[frame+12] ^= 0xff
	for _, c := range []struct {
		name string
		b    []byte
		want error
	}{
		{"empty", nil, ErrNotShard},
		{"short", []byte("PAR1"), ErrNotShard},
		{"text", []byte("id,kind,tokens\na,cube,1 2 3\n"), ErrNotShard},
		{"encrypted", append([]byte("PARE"), good[4:]...), ErrNotShard},
		{"truncated", good[:len(good)-20], ErrCorrupt},
		{"footer longer than the file", longFooter, ErrCorrupt},
		{"damaged page", damaged, ErrCorrupt},
	} {
		if _, err := readBytes(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none"), Limits{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v, want fs.ErrNotExist", err)
	}
	if _, err := Open(t.TempDir(), Limits{}); !errors.Is(err, ErrNotShard) {
		t.Errorf("folder: %v, want ErrNotShard", err)
	}
}

// TestEveryByteDamaged changes each byte of a shard in turn: whatever comes
// back, no panic, and no sample that was not checked by a page checksum.
func TestEveryByteDamaged(t *testing.T) {
	good := shardBytes(t, samples())
	failed := 0
	for i := range good {
		b := append([]byte(nil), good...)
		b[i] ^= 0x55
		if _, err := readBytes(b); err != nil {
			failed++
			if !errors.Is(err, ErrNotShard) && !errors.Is(err, ErrSchema) && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrLimit) {
				t.Fatalf("byte %d: %v wraps none of the package's errors", i, err)
			}
		}
	}
	if failed < len(good)/4 {
		t.Errorf("only %d of %d damaged shards were refused", failed, len(good))
	}
}

func TestSchemaErrorsNameTheColumn(t *testing.T) {
	type noTokens struct {
		ID   string  `parquet:"id"`
		Kind string  `parquet:"kind"`
		Grid []int32 `parquet:"grid,list"`
	}
	type textTokens struct {
		noTokens
		Tokens []string `parquet:"tokens,list"`
	}
	type flatTokens struct {
		noTokens
		Tokens int64 `parquet:"tokens"`
	}
	for _, c := range []struct {
		write func(path string) error
		want  string
	}{
		{func(p string) error { return parquet.WriteFile(p, []noTokens{{}}) }, `"tokens" is missing`},
		{func(p string) error { return parquet.WriteFile(p, []textTokens{{}}) }, `tokens.list.element" has physical type 6`},
		{func(p string) error { return parquet.WriteFile(p, []flatTokens{{}}) }, `"tokens" is a list 0 deep`},
	} {
		path := filepath.Join(t.TempDir(), "s.parquet")
		if err := c.write(path); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path, Limits{})
		if !errors.Is(err, ErrSchema) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want ErrSchema with %q", err, c.want)
		}
	}
}

func TestLimits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.parquet")
	write(t, path, many(100, 200))
	for name, l := range map[string]Limits{
		"file": {FileBytes: 100}, "samples": {Samples: 99}, "group": {GroupBytes: 50_000}, "tokens": {Tokens: 50},
	} {
		if _, err := ReadAll(path, l); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v, want ErrLimit", name, err)
		}
	}
}

// TestGroupBudgetHolds checks the budget against the allocator: zeros pack to
// almost nothing, so that the file's size does not bound what reading takes.
func TestGroupBudgetHolds(t *testing.T) {
	list := []Sample{{ID: "zeros", Kind: KindCube, Grid: []int32{1}, Tokens: make([]int64, 4_000_000)}}
	b := shardBytes(t, list)
	before := allocated()
	if _, err := readBytes(b); !errors.Is(err, ErrLimit) {
		t.Fatalf("%d bytes that unpack to 32 MB: %v, want ErrLimit", len(b), err)
	}
	if got := allocated() - before; got > uint64(tight.GroupBytes)+4<<20 {
		t.Fatalf("%d bytes allocated under a limit of %d", got, tight.GroupBytes)
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// FuzzOpen reads arbitrary bytes as a shard. It must not panic, must not take
// much more memory than the limits allow, and what it accepts must survive
// writing and reading again.
func FuzzOpen(f *testing.F) {
	f.Add([]byte{})
	f.Add(shardBytes(f, samples()))
	f.Add(shardBytes(f, many(3, 40)))
	seeds, err := filepath.Glob(filepath.Join("testdata", "*.parquet"))
	if err != nil || len(seeds) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, path := range seeds {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := allocated()
		got, err := readBytes(b)
		// The budget is for one row group; each further group costs footer bytes.
		groups := uint64(1 + len(b)/100)
		if took := allocated() - before; took > groups*uint64(tight.GroupBytes)*3/2+64*uint64(len(b))+1<<20 {
			t.Fatalf("%d bytes allocated for a file of %d", took, len(b))
		}
		// Writing takes a hundred times as long as reading; one in 16 is enough.
		if err == nil && len(got) < 1000 && crc32.ChecksumIEEE(b)%16 == 0 {
			checkRewrite(t, got)
		}
	})
}

func checkRewrite(t *testing.T, got []Sample) {
	for i := range got {
		if got[i].check() != nil {
			return
		}
	}
	again, err := readBytes(shardBytes(t, got))
	if errors.Is(err, ErrLimit) {
		return
	}
	if err != nil {
		t.Fatalf("what was read cannot be read again: %v", err)
	}
	if fmt.Sprint(again) != fmt.Sprint(got) {
		t.Fatalf("changed by writing and reading:\n%.300v\n%.300v", got, again)
	}
}

// FuzzColumn decodes arbitrary bytes as a column chunk, past the checksums and
// the footer that keep FuzzOpen's mutations from the pages.
func FuzzColumn(f *testing.F) {
	seeds, err := filepath.Glob(filepath.Join("testdata", "*.parquet"))
	if err != nil || len(seeds) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, path := range seeds {
		r, err := Open(path, tight)
		if err != nil {
			f.Fatal(err)
		}
		g := &r.footer.groups[0]
		for i := range g.chunks {
			k := &g.chunks[i]
			b := make([]byte, k.sizeBytes)
			if _, err := r.groups.file.ReadAt(b, k.start()); err != nil {
				f.Fatal(err)
			}
			f.Add(withoutCRC(b), uint8(k.codec), uint8(k.typ), uint8(3), uint8(1), uint16(k.values), uint16(g.rows))
		}
		r.Close()
	}
	f.Fuzz(func(t *testing.T, b []byte, codec, typ, maxDef, maxRep uint8, values, rows uint16) {
		if typ != typeInt32 && typ != typeInt64 && typ != typeByteArray {
			return // findLayout lets no other through
		}
		l := &leaf{path: []string{"x"}, typ: int32(typ), maxDef: int(maxDef % 8), maxRep: int(maxRep % 2), listDef: int(maxDef%8) / 2}
		k := &chunk{typ: l.typ, codec: int32(codec), values: int64(values), sizeBytes: int64(len(b))}
		before := allocated()
		c, err := decodeColumn(b, k, l, int64(rows), &budget{tight.GroupBytes})
		if took := allocated() - before; took > uint64(tight.GroupBytes)*3/2+1<<20 {
			t.Fatalf("%d bytes allocated for a column of %d", took, len(b))
		}
		if err == nil && (len(c.starts) != int(rows)+1 || c.len() > int(values)) {
			t.Fatalf("%d rows and %d values, want %d and at most %d", len(c.starts)-1, c.len(), rows, values)
		}
	})
}

// withoutCRC returns b unless its first page has a checksum, which would stop
// every mutation.
func withoutCRC(b []byte) []byte {
	if h, _, _, err := readPage(b); err == nil && h.hasCRC {
		return nil
	}
	return b
}

// TestBadRowIsAlone checks that a sample which cannot be read costs no other: not
// those of its row group, and if that cannot be decoded, none of another.
func TestBadRowIsAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.parquet")
	list := many(5, 40)
	list[2].Tokens = make([]int64, 90)
	write(t, path, list)
	r, err := Open(path, Limits{Tokens: 80})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for i := range list {
		s, err := r.At(i)
		var group *GroupError
		if i == 2 && (!errors.Is(err, ErrLimit) || errors.As(err, &group)) {
			t.Errorf("sample %d: error %v, want ErrLimit of it alone", i, err)
		} else if i != 2 && (err != nil || s.ID != list[i].ID) {
			t.Errorf("sample %d is %q: %v", i, s.ID, err)
		}
	}
}
