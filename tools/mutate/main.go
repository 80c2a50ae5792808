// Command mutate writes damaged copies of files, which a program must survive.
//
//	go run ./tools/mutate --from testdata/mesh --out mutants --count 500 --seed 1
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	f := flag.NewFlagSet("mutate", flag.ContinueOnError)
	from, out := f.String("from", "", "`folder` of whole files; those of its folders are not taken"), f.String("out", "", "`folder` of damaged ones")
	count, seed := f.Int("count", 500, "how many"), f.Uint64("seed", 1, "of all damage")
	if err := f.Parse(args); err != nil {
		return err
	}
	paths, err := filepath.Glob(filepath.Join(*from, "*.*"))
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return fmt.Errorf("no files in %s", *from)
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	files := make([][]byte, len(paths))
	for i, p := range paths {
		if files[i], err = os.ReadFile(p); err != nil {
			return err
		}
	}
	for i := range *count {
		r := rand.New(rand.NewPCG(*seed, uint64(i)))
		at := i % len(files)
		data := bytes.Clone(files[at])
		for range 1 + r.IntN(4) {
			data = damage(r, data, files[r.IntN(len(files))])
		}
		ext := filepath.Ext(paths[at])
		name := fmt.Sprintf("%04d-%s%s", i, strings.TrimSuffix(filepath.Base(paths[at]), ext), ext)
		if err := os.WriteFile(filepath.Join(*out, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// words are numbers and names that a text or a JSON chunk may hold.
var words = regexp.MustCompile(`-?[0-9]+(\.[0-9]+)?`)

// odd stands in for a number.
var odd = []string{"-1", "0", "4294967295", "9223372036854775807", "-9223372036854775808", "1e309", "1e-320", "nan", "inf", "-0", "99999999", "", "{}", "[]", "\"x\"", "1/0"}

// damage changes data in one way, which may be to take a part of another file.
func damage(r *rand.Rand, data, other []byte) []byte {
	if len(data) == 0 {
		return other[:r.IntN(len(other)+1)]
	}
	from := r.IntN(len(data))
	if r.IntN(2) == 0 { // headers matter most
		from = r.IntN(min(len(data), 256))
	}
	n := min(1+r.IntN(1<<r.IntN(12)), len(data)-from)
	switch r.IntN(8) {
	case 0: // bits turn over
		for range 1 + r.IntN(16) {
			data[r.IntN(len(data))] ^= 1 << r.IntN(8)
		}
	case 1: // noise
		for i := range n {
			data[from+i] = byte(r.Uint32())
		}
	case 2: // an extreme count
		fill := []byte{0, 0xff, 0x7f, 0x80}[r.IntN(4)]
		for i := range min(n, 8) {
			data[from+i] = fill
		}
	case 3:
		data = data[:from]
	case 4:
		data = append(data[:from:from], data[from+n:]...)
	case 5: // said twice
		data = append(data[:from+n:from+n], data[from:]...)
	case 6: // a part of another file
		if len(other) > 0 {
			start := r.IntN(len(other))
			copy(data[from:], other[start:min(start+n, len(other))])
		}
	case 7:
		if found := words.FindAllIndex(data, 1<<14); len(found) > 0 {
			at := found[r.IntN(len(found))]
			data = append(append(data[:at[0]:at[0]], odd[r.IntN(len(odd))]...), data[at[1]:]...)
		}
	}
	return data
}
