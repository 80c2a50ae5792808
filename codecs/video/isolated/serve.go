package isolated

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/morton-gen/morton/codecs/video"
)

// argument is the first argument of a child, its memory limit in bytes the second.
const argument = "decode-child"

// replies is the file of a child for its replies. Standard output is left to whatever a
// library may print.
const replies = 3

// exitMemory is the exit code of a child that took more memory than it may have.
const exitMemory = 3

var enabled bool

// Enable lets this program decode videos in children, which are the program itself. Call
// it first in main. In a child it does not return.
func Enable() {
	if len(os.Args) > 1 && os.Args[1] == argument {
		os.Exit(serve(os.Stdin, func(ctx context.Context, path string, o video.Options) (video.Frames, error) {
			return video.Open(ctx, path, o)
		}))
	}
	enabled = true
}

// opener opens a video in the child.
type opener func(ctx context.Context, path string, o video.Options) (video.Frames, error)

// serve serves the parent, and returns the exit code.
func serve(in io.Reader, open opener) int {
	memory := int64(0)
	if len(os.Args) > 2 {
		memory, _ = strconv.ParseInt(os.Args[2], 10, 64)
	}
	out := os.NewFile(replies, "replies")
	if _, err := out.Stat(); err != nil {
		fmt.Fprintf(os.Stderr, "%s is a process that this program starts by itself\n", argument)
		return 2
	}
	// The terminal and supervisors signal whole groups. The parent winds down first, and
	// this process goes when it closes the pipe.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	if err := confine(memory); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	s := &server{out: bufio.NewWriterSize(out, 1<<16), open: open, memory: memory, todo: make(chan work, 1)}
	go s.read(in)
	for w := range s.todo {
		if err := errors.Join(s.answer(w.ctx, w.request), s.out.Flush()); err != nil {
			return 1 // the parent is gone
		}
	}
	return 0
}

type work struct {
	ctx context.Context
	request
}

type server struct {
	out    *bufio.Writer
	open   opener
	memory int64
	todo   chan work
	folder string // the working directory, if it was changed
}

// read takes the parent's requests. When there is no parent any more the process ends at
// once, whatever a decoder is doing.
func (s *server) read(in io.Reader) {
	stop := func() {}
	for {
		var r request
		if err := readJSON(in, &r); err != nil {
			os.Exit(0)
		}
		if r.Op == opStop {
			stop()
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		stop = cancel
		s.todo <- work{ctx, r}
	}
}

// answer answers one request. The error is of writing.
func (s *server) answer(ctx context.Context, r request) error {
	defer watch(s.memory)()
	path := string(r.Path)
	if f := string(r.Folder); f != "" && f != s.folder {
		if err := os.Chdir(f); err != nil {
			return s.end(video.Info{}, err)
		}
		s.folder = f
	}
	switch r.Op {
	case opProbe:
		i, err := video.Probe(ctx, path, r.Options.Limits)
		return s.end(i, err)
	case opCount:
		i, err := video.Count(ctx, path, r.Options.Limits)
		return s.end(i, err)
	case opOpen:
		return s.frames(ctx, path, r.Options)
	}
	return s.end(video.Info{}, fmt.Errorf("no operation %q", r.Op))
}

func (s *server) end(i video.Info, err error) error {
	if err != nil {
		last := errors.Is(err, video.ErrCorrupt) || errors.Is(err, video.ErrMemory)
		return writeJSON(s.out, replyError, message{Info: i, Failure: failureOf(err, s.memory), Last: last || i.Damaged})
	}
	return writeJSON(s.out, replyEnd, message{Info: i, Last: i.Damaged})
}

func (s *server) frames(ctx context.Context, path string, o video.Options) error {
	r, err := s.open(ctx, path, o)
	if err != nil {
		return s.end(video.Info{}, err)
	}
	w, h := r.Size()
	if err := errors.Join(writeJSON(s.out, replyOpened, message{Info: r.Info(), W: w, H: h}), s.out.Flush()); err != nil {
		return err
	}
	for {
		pix, at, err := r.Next()
		info := r.Info()
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			return s.end(info, errors.Join(err, r.Close()))
		}
		var b [1 + frameHeaderBytes]byte
		b[0] = replyFrame
		head := frameHeader{at: at, damaged: uint32(min(info.DamagedFrames, math.MaxUint32)), jumps: uint32(min(info.Jumps, math.MaxUint32)), truncated: info.Truncated}
		head.put(b[1:])
		if _, err := s.out.Write(b[:]); err != nil {
			return err
		}
		if _, err := s.out.Write(pix); err != nil {
			return err
		}
	}
}
