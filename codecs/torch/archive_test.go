package torch

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// record is an entry of an archive that a test writes.
type record struct {
	name   string
	data   string
	method uint16
}

// archived returns an archive of records. promised, if not 0, is how many bytes the
// table says that the last record holds once inflated.
func archived(t testing.TB, promised uint64, records ...record) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i, r := range records {
		h := &zip.FileHeader{Name: r.name, Method: r.method, CRC32: crc32.ChecksumIEEE([]byte(r.data)), CompressedSize64: uint64(len(r.data)), UncompressedSize64: uint64(len(r.data))}
		if promised > 0 && i == len(records)-1 {
			h.UncompressedSize64 = promised
		}
		f, err := w.CreateRaw(h)
		if err == nil {
			_, err = f.Write([]byte(r.data))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// oneTensor is a pickle of {"w": a tensor of 12 ones}.
var oneTensor = "\x80\x02}" + text("w") + view(0, []int{3, 4}, []int{4, 1}) + "s."

func plain(name, data string) record { return record{name, data, zip.Store} }

func TestBrokenArchives(t *testing.T) {
	ones := strings.Repeat("\x00\x00\x80\x3f", 12)
	good := archived(t, 0, plain("m/data.pkl", oneTensor), plain("m/data/0", ones))
	if _, err := Read(bytes.NewReader(good), int64(len(good))); err != nil {
		t.Fatal(err)
	}
	encrypted := bytes.Clone(good)
	encrypted[bytes.LastIndex(encrypted, []byte("PK\x01\x02"))+8] |= 1
	lost := bytes.Clone(good)
	binary.LittleEndian.PutUint32(lost[bytes.LastIndex(lost, []byte("PK\x01\x02"))+42:], uint32(len(lost)))
	many := bytes.Clone(good)
	binary.LittleEndian.PutUint16(many[len(many)-12:], 9)
	for _, c := range []struct {
		name string
		b    []byte
		want error
	}{
		{"empty", nil, ErrFormat},
		{"text", []byte("this is no checkpoint"), ErrFormat},
		{"bare pickle", []byte("\x80\x04N."), ErrFormat},
		{"legacy", []byte(magicNumber + "\x80\x02M\xe9\x03."), ErrLegacy},
		{"only a beginning", []byte("PK\x03\x04"), ErrFormat},
		{"cut", good[:len(good)-1], ErrFormat},
		{"no pickle", archived(t, 0, plain("m/data/0", ones)), ErrFormat},
		{"two pickles", archived(t, 0, plain("a/data.pkl", "N."), plain("b/data.pkl", "N.")), ErrFormat},
		{"name twice", archived(t, 0, plain("m/data.pkl", "N."), plain("m/x", ""), plain("m/x", "")), ErrFormat},
		{"big-endian", archived(t, 0, plain("m/data.pkl", oneTensor), plain("m/data/0", ones), plain("m/byteorder", "big")), ErrFormat},
		{"long byte order", archived(t, 0, plain("m/data.pkl", oneTensor), plain("m/data/0", ones), plain("m/byteorder", ones)), ErrLimit},
		{"TorchScript", archived(t, 0, plain("m/data.pkl", "N."), plain("m/constants.pkl", "N.")), ErrFormat},
		{"no record", archived(t, 0, plain("m/data.pkl", oneTensor)), ErrFormat},
		{"record of another name", archived(t, 0, plain("m/data.pkl", oneTensor), plain("other/data/0", ones)), ErrFormat},
		{"short record", archived(t, 0, plain("m/data.pkl", oneTensor), plain("m/data/0", ones[1:])), ErrFormat},
		{"record shorter than its storage", archived(t, 0, plain("m/data.pkl", "\x80\x02"+view(0, []int{1}, []int{1})+"."), plain("m/data/0", ones[1:])), ErrFormat},
		{"unknown packing", archived(t, 0, plain("m/data.pkl", oneTensor), record{"m/data/0", ones, 93}), ErrFormat},
		{"encrypted", encrypted, ErrFormat},
		{"record outside", lost, ErrFormat},
		{"entries that are not there", many, ErrFormat},
		{"a little more than stored", archived(t, 60, plain("m/data.pkl", oneTensor), plain("m/data/0", ones)), ErrFormat},
		{"more than stored", archived(t, 1<<40, plain("m/data.pkl", oneTensor), plain("m/data/0", ones)), ErrFormat},
		{"more than deflate can", archived(t, 1<<40, plain("m/data.pkl", oneTensor), record{"m/data/0", ones, zip.Deflate}), ErrFormat},
		{"long pickle", archived(t, MaxPickleBytes+1, record{"m/data.pkl", strings.Repeat("x", 1<<17), zip.Deflate}), ErrLimit},
		{"pickle that is not deflated", archived(t, 100, record{"m/data.pkl", "\xff\xff\xff\xff", zip.Deflate}), ErrFormat},
	} {
		if _, err := Read(bytes.NewReader(c.b), int64(len(c.b))); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(pipe); !errors.Is(err, ErrFormat) {
		t.Errorf("a pipe: %v, want ErrFormat", err)
	}
}

// TestShortDeflate opens a record that inflates to less than the table promises: the
// tensor is an error, and no memory is taken for it.
func TestShortDeflate(t *testing.T) {
	ones := strings.Repeat("\x00\x00\x80\x3f", 11)
	stored := "\x01\x2c\x00\xd3\xff" + ones // one block as it is
	b := archived(t, 48, plain("m/data.pkl", oneTensor), record{"m/data/0", stored, zip.Deflate})
	f, err := Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	w, _ := f.Root().(*Dict).Get("w")
	if _, err := w.(*Tensor).Float32s(); !errors.Is(err, ErrFormat) {
		t.Errorf("got %v, want ErrFormat", err)
	}
}

// TestTooManyEntries has an end record, wide or not, that promises more entries than
// are read, in a sparse file that could hold them.
func TestTooManyEntries(t *testing.T) {
	good := archived(t, 0, plain("m/data.pkl", "N."))
	end := len(good) - endBytes
	wide := append([]byte("PK\x06\x06"), make([]byte, 52)...)
	binary.LittleEndian.PutUint64(wide[32:], MaxRecords+1)
	const wideAt = 1 << 30
	locator := append([]byte("PK\x06\x07\x00\x00\x00\x00"), binary.LittleEndian.AppendUint64(nil, wideAt)...)
	locator = append(locator, 1, 0, 0, 0)
	f, err := os.Create(filepath.Join(t.TempDir(), "m.pt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for at, b := range map[int64][]byte{0: good[:end], wideAt: slices.Concat(wide, locator, good[end:])} {
		if _, err := f.WriteAt(b, at); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := openFile(f); !errors.Is(err, ErrLimit) {
		t.Errorf("got %v, want ErrLimit", err)
	}
}

// TestMeter ends a reader after so many bytes in all.
func TestMeter(t *testing.T) {
	m := &meter{strings.NewReader("0123456789"), 8}
	b := make([]byte, 4)
	for range 2 {
		if n, err := m.ReadAt(b, 6); n != 4 || err != nil || string(b) != "6789" {
			t.Errorf("read %q, %v", b[:n], err)
		}
	}
	if n, err := m.ReadAt(b[:1], 0); n != 0 || !errors.Is(err, ErrLimit) {
		t.Errorf("read %d bytes more, %v", n, err)
	}
}

// TestReadsLazily opens an archive behind a reader that counts. The table and the
// pickle are read, and of a record the bytes of the tensor that is asked for.
func TestReadsLazily(t *testing.T) {
	big := strings.Repeat("\x00\x00\x80\x3f", 1<<20)
	b := archived(t, 0, plain("m/data.pkl", oneTensor), plain("m/data/0", big))
	r := &counter{r: bytes.NewReader(b)}
	f, err := Read(r, int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if r.n > 1<<18 {
		t.Errorf("opening reads %d bytes of %d", r.n, len(b))
	}
	r.n = 0
	w, _ := f.Root().(*Dict).Get("w")
	if got, err := w.(*Tensor).Float32s(); err != nil || len(got) != 12 || r.n != 48 {
		t.Errorf("a tensor of 12 elements: %d, %v, %d bytes read", len(got), err, r.n)
	}
}

type counter struct {
	r io.ReaderAt
	n int
}

func (c *counter) ReadAt(p []byte, at int64) (int, error) {
	c.n += len(p)
	return c.r.ReadAt(p, at)
}
