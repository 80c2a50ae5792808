package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"

	"github.com/morton-gen/morton/internal/errkind"
)

// limited returns a context for one small request with its repetitions.
func limited() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 2*stall)
}

// Lstat is [os.Lstat] for a path. For an object it returns size, time and tag; a prefix
// of keys does not exist.
func Lstat(place string) (fs.FileInfo, error) {
	if !Stored(place) {
		return os.Lstat(place)
	}
	return stat(place)
}

// Stat is [os.Stat] for a path, and Lstat for an object. A prefix of keys is a folder.
func Stat(place string) (fs.FileInfo, error) {
	if !Stored(place) {
		return os.Stat(place)
	}
	info, err := stat(place)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return info, err
	}
	if there, lerr := isPrefix(place); lerr != nil {
		return nil, lerr
	} else if !there {
		return nil, err
	}
	_, key, _ := split(place)
	return &object{key: key, folder: true}, nil
}

func stat(place string) (fs.FileInfo, error) {
	ctx, cancel := limited()
	defer cancel()
	b, key, err := bucket(ctx, place)
	if err != nil {
		return nil, err
	}
	if key == "" {
		return nil, &fs.PathError{Op: "stat", Path: place, Err: fs.ErrNotExist}
	}
	var a *blob.Attributes
	if err := repeat(ctx, func() (err error) {
		a, err = b.Attributes(ctx, key)
		return err
	}); err != nil {
		return nil, explain("stat", place, err)
	}
	return attributed(key, a), nil
}

// Reach returns nil if the store of a place answers and the bucket exists.
func Reach(place string) error {
	_, err := isPrefix(place)
	return err
}

// isPrefix reports whether there is an object below a place.
func isPrefix(place string) (bool, error) {
	ctx, cancel := limited()
	defer cancel()
	b, key, err := bucket(ctx, place)
	if err != nil {
		return false, err
	}
	page, _, err := listPage(ctx, b, blob.FirstPageToken, 1, &blob.ListOptions{Prefix: below(key)})
	return len(page) > 0, explain("stat", place, err)
}

// below returns the prefix of a folder's contents.
func below(key string) string {
	if key == "" {
		return ""
	}
	return key + "/"
}

// Open is [os.Open] for a path. An object is read from its start by one request. If the
// response breaks off, the rest is requested and must be of the same object.
func Open(place string) (fs.File, error) {
	if !Stored(place) {
		return os.Open(place)
	}
	return open(context.Background(), place)
}

// ReadFile is [os.ReadFile] for places of at most most bytes; larger ones are
// [ErrTooLarge]. An object that is replaced during the read is read again.
func ReadFile(place string, most int64) ([]byte, error) {
	for n := 1; ; n++ {
		data, err := readFile(place, most)
		if !errors.Is(err, ErrReplaced) || n >= maxAttempts {
			return data, err
		}
	}
}

func readFile(place string, most int64) ([]byte, error) {
	f, err := Open(place)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		return nil, tooLarge(place, int64(len(data)), most)
	}
	return data, err
}

func open(ctx context.Context, place string) (*reader, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	r := &reader{ctx: ctx, cancel: cancel, place: place}
	if err := r.request(); err != nil {
		cancel(nil)
		return nil, err
	}
	return r, nil
}

// reader reads an object.
type reader struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	place  string
	from   *blob.Reader
	info   *object
	pos    int64
	broken int // broken-off responses
}

// request requests the rest of the object.
func (r *reader) request() error {
	b, key, err := bucket(r.ctx, r.place)
	if err != nil {
		return err
	}
	defer r.watch()()
	from, err := b.NewRangeReader(r.ctx, key, r.pos, -1, nil)
	if err != nil {
		return r.explain("open", err)
	}
	info := &object{key: key, size: from.Size(), time: from.ModTime(), tag: answered(from)}
	if r.info != nil && r.info.tag != info.tag {
		return errors.Join(&fs.PathError{Op: "read", Path: r.place, Err: ErrReplaced}, from.Close())
	}
	r.from, r.info = from, info
	return nil
}

// ErrReplaced reports an object that was replaced while it was read.
var ErrReplaced = errkind.New("unavailable", "the object was replaced while it was read")

// answered returns the tag of the object being read.
func answered(from *blob.Reader) tag {
	var s3 s3.GetObjectOutput
	var gs *storage.Reader
	switch {
	case from.As(&s3):
		return tag(aws.ToString(s3.ETag))
	case from.As(&gs):
		return generation(gs.Attrs.Generation)
	}
	return ""
}

// watch cancels the request unless the returned function is called in time.
func (r *reader) watch() (over func()) {
	timer := time.AfterFunc(stall, func() { r.cancel(errStalled) })
	return func() { timer.Stop() }
}

var errStalled = fmt.Errorf("no byte for %v", stall)

// explain is [explain] for err, or for the cause of the ended context. An object that
// disappears during a read was replaced.
func (r *reader) explain(op string, err error) error {
	if c := context.Cause(r.ctx); c != nil {
		return explain(op, r.place, c)
	}
	gone := status(err) == http.StatusRequestedRangeNotSatisfiable
	if err = explain(op, r.place, err); r.info != nil && (gone || errors.Is(err, fs.ErrNotExist)) {
		return &fs.PathError{Op: op, Path: r.place, Err: ErrReplaced}
	}
	return err
}

// Read implements [fs.File].
func (r *reader) Read(p []byte) (int, error) {
	over := r.watch()
	n, err := r.from.Read(p)
	over()
	r.pos += int64(n)
	if err == nil || err == io.EOF && r.pos >= r.info.size {
		return n, err
	}
	if r.broken++; r.broken >= maxAttempts || r.ctx.Err() != nil {
		return n, r.explain("read", err)
	}
	time.Sleep(backoff(r.broken))
	r.from.Close()
	return n, r.request()
}

// Stat implements [fs.File].
func (r *reader) Stat() (fs.FileInfo, error) { return r.info, nil }

// Close implements [fs.File].
func (r *reader) Close() error {
	r.cancel(nil)
	return r.from.Close()
}

// ReadDir is [os.ReadDir] for places. The subfolders in a store are the prefixes up to
// the next slash. A missing folder is empty.
func ReadDir(place string) ([]fs.DirEntry, error) {
	if !Stored(place) {
		return os.ReadDir(place)
	}
	var entries []fs.DirEntry
	err := list(place, "", "/", func(o *object) error {
		entries = append(entries, o)
		return nil
	})
	return entries, err
}

// Walk calls visit for each object whose key starts with folder, a slash and prefix, in
// the order of keys. name is the key relative to folder.
func Walk(folder, prefix string, visit func(name string, info fs.FileInfo) error) error {
	_, key, err := split(folder)
	if err != nil {
		return err
	}
	return list(folder, prefix, "", func(o *object) error { return visit(strings.TrimPrefix(o.key, below(key)), o) })
}

// list visits the objects below a folder. Objects that mark a folder are left out.
func list(folder, prefix, delimiter string, visit func(*object) error) error {
	b, key, err := bucket(context.Background(), folder)
	if err != nil {
		return err
	}
	token := blob.FirstPageToken
	for {
		ctx, cancel := limited()
		page, next, err := listPage(ctx, b, token, 1000, &blob.ListOptions{Prefix: below(key) + prefix, Delimiter: delimiter})
		cancel()
		if err != nil {
			return explain("open", folder, err)
		}
		for _, l := range page {
			if !l.IsDir && strings.HasSuffix(l.Key, "/") {
				continue
			}
			if err := visit(listed(l)); err != nil {
				return err
			}
		}
		if next == nil {
			return nil
		}
		token = next
	}
}

func listPage(ctx context.Context, b *blob.Bucket, token []byte, size int, o *blob.ListOptions) (page []*blob.ListObject, next []byte, err error) {
	err = repeat(ctx, func() (err error) {
		page, next, err = b.ListPage(ctx, token, size, o)
		return err
	})
	return page, next, err
}
