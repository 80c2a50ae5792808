package isolated

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/morton-gen/morton/codecs/video"
)

// role is what this test binary does when it starts itself again: as a child, "poison",
// or @ and a file with what it answers; "parent" is that of a child which hangs.
const role = "MORTON_TEST_ISOLATED"

func TestMain(m *testing.M) {
	is := os.Getenv(role)
	switch asked := len(os.Args) > 1 && os.Args[1] == argument; {
	case asked && is == "poison":
		os.Exit(serve(os.Stdin, poisoned))
	case asked && strings.HasPrefix(is, "@"):
		answer, err := os.ReadFile(is[1:])
		var r request
		if err == nil && readJSON(os.Stdin, &r) == nil {
			os.NewFile(replies, "").Write(answer)
		}
		time.Sleep(time.Hour)
	case !asked && is == "parent":
		beParent()
	}
	Enable()
	os.Exit(m.Run())
}

// opened counts the files that a child was asked for.
var opened int

// poisoned is video.Open, but ends its process on files by their names.
func poisoned(ctx context.Context, path string, o video.Options) (video.Frames, error) {
	opened++
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	if name != "late" && name != "weak" {
		perish(name)
	}
	r, err := video.Open(ctx, path, o)
	return &dying{r, name, 0}, err
}

func perish(name string) {
	self := os.Getpid()
	switch name {
	case "fault": // in FFmpeg
		_ = new(astiav.FormatContext).ReadFrame(astiav.AllocPacket())
	case "segv":
		syscall.Kill(self, syscall.SIGSEGV)
	case "abort":
		syscall.Kill(self, syscall.SIGABRT)
	case "kill":
		syscall.Kill(self, syscall.SIGKILL)
	case "exit":
		os.Exit(0)
	case "hang":
	default:
		return
	}
	time.Sleep(time.Hour)
}

// dying ends its process at the sixth frame: of "late" files, and of "weak" ones in a child
// that had others before.
type dying struct {
	*video.Reader
	name  string
	count int
}

func (d *dying) Next() ([]uint8, time.Duration, error) {
	if d.count++; d.count == 6 && (d.name == "late" || d.name == "weak" && opened > 1) {
		perish("segv")
	}
	return d.Reader.Next()
}

// beParent opens a file that hangs, and one that ends well and leaves a child that waits.
func beParent() {
	Enable()
	os.Setenv(role, "poison")
	if _, _, err := (Decoder{}).ReadClip(context.Background(), os.Args[1], video.Options{}); err != nil {
		panic(err)
	}
	if idle, err := take(DefaultMemory, false); err == nil {
		os.Stdout.WriteString(strconv.Itoa(idle.cmd.Process.Pid) + "\n")
		p, err := start(DefaultMemory)
		if err != nil {
			panic(err)
		}
		os.Stdout.WriteString(strconv.Itoa(p.cmd.Process.Pid) + "\n")
		put(p)
	}
	(Decoder{}).ReadClip(context.Background(), os.Args[2], video.Options{})
}
