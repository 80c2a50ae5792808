package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func holds(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v; want %q", path, got, err, want)
	}
}

func TestMoveReplacesNothing(t *testing.T) {
	for name, move := range map[string]func(temp, path string) error{"rename": Move, "link": linkNew} {
		dir := t.TempDir()
		temp, path := write(t, filepath.Join(dir, "temp"), "new"), filepath.Join(dir, "place")
		if err := move(temp, path); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		holds(t, path, "new")
		write(t, temp, "newer")
		if err := move(temp, path); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: error %v, want fs.ErrExist", name, err)
		}
		holds(t, path, "new")
		holds(t, temp, "newer")
		if err := os.Symlink("nowhere", filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
		if err := move(temp, filepath.Join(dir, "link")); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s onto a link to nothing: error %v, want fs.ErrExist", name, err)
		}
	}
}

// TestOneMoveWins has many move to one place at the same time.
func TestOneMoveWins(t *testing.T) {
	dir := t.TempDir()
	var won atomic.Int32
	var wait sync.WaitGroup
	for i := range 32 {
		temp := write(t, filepath.Join(dir, fmt.Sprint(i)), "x")
		wait.Go(func() {
			err := Move(temp, filepath.Join(dir, "place"))
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, fs.ErrExist) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if won.Load() != 1 || len(names(t, dir)) != 32 {
		t.Errorf("%d won, %d files are left", won.Load(), len(names(t, dir)))
	}
}

func TestSwapAsksAfterwards(t *testing.T) {
	dir := t.TempDir()
	temp, path := write(t, filepath.Join(dir, "temp"), "new"), write(t, filepath.Join(dir, "place"), "old")
	asked := ""
	answer := func(yes bool) func(string) bool {
		return func(p string) bool {
			text, _ := os.ReadFile(p)
			asked = string(text)
			return yes
		}
	}
	if err := Swap(temp, path, answer(false)); !errors.Is(err, fs.ErrExist) || asked != "old" {
		t.Errorf("error %v, asked about %q", err, asked)
	}
	holds(t, path, "old")
	holds(t, temp, "new")
	if err := Swap(temp, path, answer(true)); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "new")
	if n := names(t, dir); len(n) != 1 {
		t.Errorf("left: %v", n)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(t, temp, "again")
	if err := Swap(temp, path, answer(false)); err != nil {
		t.Errorf("with nothing there: %v", err)
	}
	holds(t, path, "again")
}

// TestAcrossDisks moves to a folder on another disk, if there is one here.
func TestAcrossDisks(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	if err := syscall.Mount("tmpfs", other, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("no disk can be mounted here: %v", err)
	}
	defer syscall.Unmount(other, syscall.MNT_DETACH)
	path := filepath.Join(other, "place")
	if err := Move(write(t, filepath.Join(dir, "a"), "new"), path); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "new")
	temp := write(t, filepath.Join(dir, "b"), "newer")
	if err := Move(temp, path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v, want fs.ErrExist", err)
	}
	holds(t, path, "new")
	if err := Swap(temp, path, func(string) bool { return false }); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v, want fs.ErrExist", err)
	}
	holds(t, path, "new")
	if err := Swap(temp, path, func(string) bool { return true }); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "newer")
	if n := append(names(t, dir), names(t, other)...); len(n) != 1 {
		t.Errorf("left: %v", n)
	}
}

// TestSweep checks that what a process that lives has on its way stays, and what one
// that was killed left goes; a user's files stay.
func TestSweep(t *testing.T) {
	if dir := os.Getenv("MORTON_SWEPT"); dir != "" {
		if _, err := CreateFolder(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := Create(filepath.Join(dir, "a.mp4")); err != nil {
			t.Fatal(err)
		}
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestSweep$")
	cmd.Env = append(os.Environ(), "MORTON_SWEPT="+dir)
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Fatalf("the child came to its end: %s", out)
	}
	if n := names(t, dir); len(n) != 2 {
		t.Fatalf("the child left %v", n)
	}
	folder, err := CreateFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	file, err := Create(filepath.Join(dir, "b.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".partial", ".partial-mine", "x.partial-0123456789abcdef", ".partial-00000000deadbeef-of-another-host"} {
		write(t, filepath.Join(dir, name), "")
	}
	if err := Sweep(dir); err != nil {
		t.Fatal(err)
	}
	if n := names(t, dir); len(n) != 6 {
		t.Errorf("after a sweep: %v", n)
	}
	old := time.Now().Add(-2 * foreignAge)
	if err := os.Chtimes(filepath.Join(dir, ".partial-00000000deadbeef-of-another-host"), old, old); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(folder.Remove(), file.Abort(), Sweep(dir)); err != nil {
		t.Fatal(err)
	}
	if n := names(t, dir); len(n) != 3 {
		t.Errorf("at the end: %v", n)
	}
	if err := Sweep(filepath.Join(dir, "nothing")); err != nil {
		t.Error(err)
	}
}

func TestLockIsExclusive(t *testing.T) {
	dir := t.TempDir()
	inside := 0
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 50 {
				unlock, err := Lock(dir)
				if err != nil {
					t.Error(err)
					return
				}
				inside++ // the race detector sees two of these
				if err := unlock(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	if inside != 400 {
		t.Errorf("%d of 400", inside)
	}
}

func TestTryLockDoesNotWait(t *testing.T) {
	dir := t.TempDir()
	unlock, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := TryLock(dir); !errors.Is(err, ErrLocked) {
		t.Errorf("of a locked folder: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if unlock, err = TryLock(dir); err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
}
