package optest

import (
	"errors"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
)

// Refused fails the test unless each recording ends in [gpu.ErrShape].
func Refused(t *testing.T, dev *gpu.Device, cases map[string]func(r *gpu.Recorder)) {
	t.Helper()
	for name, record := range cases {
		rec := dev.NewRecorder()
		record(rec)
		if _, err := rec.Finish(); !errors.Is(err, gpu.ErrShape) {
			t.Errorf("%s: got error %v, want one of shape", name, err)
		}
	}
}

// SameRows fails the test unless, for every m < n, the d columns of the first m
// rows that rows(m) returns have the bits they have in rows(n).
func SameRows(t *testing.T, n, d int, rows func(m int) []float32) {
	t.Helper()
	all := rows(n)
	for m := 1; m < n; m++ {
		got := rows(m)
		for i := range m * d {
			if math.Float32bits(got[i]) != math.Float32bits(all[i]) {
				t.Fatalf("%d rows: element %d is %x, with %d rows %x", m, i, math.Float32bits(got[i]), n, math.Float32bits(all[i]))
			}
		}
	}
}

// Bench times a program of what record adds; bytes is what one run moves.
func Bench(b *testing.B, dev *gpu.Device, bytes, rows int, record func(r *gpu.Recorder)) {
	b.Helper()
	rec := dev.NewRecorder()
	record(rec)
	p, err := rec.Finish()
	if err != nil {
		b.Fatal(err)
	}
	defer p.Free()
	if err := p.Run(1); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Run(1); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
