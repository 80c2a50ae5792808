package pipelines

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// mount returns a folder on a disk of so many bytes, or false where this user may
// not mount one.
func mount(t *testing.T, options string) (dir string, ok bool) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Logf("not covered, for no disk can be mounted here: %v", err)
		return "", false
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir, true
}

// remount makes a mounted disk read-only, or writable again.
func remount(t *testing.T, dir string, readOnly bool) {
	t.Helper()
	flags := uintptr(syscall.MS_REMOUNT)
	if readOnly {
		flags |= syscall.MS_RDONLY
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", flags, ""); err != nil {
		t.Fatal(err)
	}
}

// large is a model of meshes that take some 100 kB as OBJ.
type large struct{ *echo }

func (l large) Generate(ctx context.Context, r request.Request, m family.Media) (*family.Result, error) {
	result, err := l.echo.Generate(ctx, r, m)
	if err == nil {
		result.Media.Mesh = mesh.UVSphere(48, 24)
	}
	return result, err
}

// TestFullDisk runs onto a disk with room for some of the results: those are
// listed, each other one failed for that reason, and nothing half-made is left.
func TestFullDisk(t *testing.T) {
	dir, ok := mount(t, "size=1m")
	if !ok {
		t.Skip("needs the right to mount a disk")
	}
	useModel(t, request.Quads, large{newEcho(shard.KindQuad)})
	inputs := t.TempDir()
	var paths []string
	for _, name := range strings.Fields("a b c d e f g h") {
		paths = append(paths, put(t, filepath.Join(inputs, name+".obj"), triangle))
	}
	out := filepath.Join(dir, "out")
	j := into(t, out, request.Quads, paths...)
	j.Settings.InFlight = 1
	s, err := Generate(context.Background(), j)
	if s.Done == 0 || s.Failed == 0 || s.Done+s.Failed != len(paths) || s.Kinds["disk_full"] != s.Failed {
		t.Fatalf("%+v, error %v", s, err)
	}
	if err != nil && !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v, want ENOSPC", err)
	}
	checkNoPartials(t, out)
	if err == nil {
		results, rerr := report.ReadResults(out)
		failures, ferr := report.ReadFailures(out)
		if rerr != nil || ferr != nil || len(results) != s.Done || len(failures) != s.Failed {
			t.Errorf("%d results, %v; %d failures, %v; want %+v", len(results), rerr, len(failures), ferr, s)
		}
		for _, f := range failures {
			if !strings.Contains(f.Message, out+"/quads") || !strings.Contains(f.Message, "no space left on device") || strings.Contains(f.Message, ".partial") {
				t.Errorf("message %q, want it to name the place", f.Message)
			}
		}
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	again, err := Generate(context.Background(), j)
	if err != nil || again.Done != len(paths) || again.Skipped != s.Done {
		t.Errorf("with room: %+v, error %v", again, err)
	}
}

// TestFullDiskAtTheEnd leaves no room for the reports: the summary still counts what
// was done, the error names the cause, and the next run lists all.
func TestFullDiskAtTheEnd(t *testing.T) {
	dir, ok := mount(t, "size=8m")
	if !ok {
		t.Skip("needs the right to mount a disk")
	}
	out, filler := filepath.Join(dir, "out"), filepath.Join(dir, "filler")
	e := newEcho(shard.KindQuad)
	use(t, request.Quads, e)
	inputs := t.TempDir()
	x, y := put(t, filepath.Join(inputs, "x.obj"), triangle), put(t, filepath.Join(inputs, "y.obj"), triangle)
	if s, err := Generate(context.Background(), into(t, out, request.Quads, x)); err != nil || s.Done != 1 {
		t.Fatalf("%+v, error %v", s, err)
	}
	e.generate = func(request.Request) error {
		fillDisk(t, filler)
		return nil
	}
	s, err := Generate(context.Background(), into(t, out, request.Quads, x, y))
	if !errors.Is(err, syscall.ENOSPC) || !errors.Is(err, ErrRun) || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("error %v, want ENOSPC", err)
	}
	if s.Done != 1 || s.Skipped != 1 || s.Kinds["disk_full"] != 1 {
		t.Errorf("%+v", s)
	}
	if results, err := report.ReadResults(out); err != nil || len(results) != 1 {
		t.Errorf("%d results, error %v", len(results), err)
	}
	checkNoPartials(t, out)
	if _, err := Tokenize(context.Background(), into(t, out, request.Quads, x)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("begun on a full disk: error %v", err)
	}
	checkNoPartials(t, out)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	e.generate = nil
	if s, err := Generate(context.Background(), into(t, out, request.Quads, x, y)); err != nil || s.Done != 2 || s.Skipped != 1 {
		t.Errorf("with room: %+v, error %v", s, err)
	}
}

// fillDisk writes until nothing goes onto the disk.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// TestReadOnlyDisk checks that nothing is begun on a disk that takes nothing.
func TestReadOnlyDisk(t *testing.T) {
	dir, ok := mount(t, "size=1m")
	if !ok {
		t.Skip("needs the right to mount a disk")
	}
	e := newEcho(shard.KindQuad)
	e.generate = func(request.Request) error {
		t.Error("work was begun")
		return nil
	}
	use(t, request.Quads, e)
	remount(t, dir, true)
	for _, out := range []string{dir, filepath.Join(dir, "out")} {
		_, err := Generate(context.Background(), into(t, out, request.Quads, put(t, filepath.Join(t.TempDir(), "x.obj"), triangle)))
		if !errors.Is(err, ErrOut) || !errors.Is(err, syscall.EROFS) || strings.Contains(err.Error(), ".partial-") {
			t.Errorf("error %v, want ErrOut of EROFS", err)
		}
	}
}
