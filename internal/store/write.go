package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"time"

	"cloud.google.com/go/storage"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"gocloud.dev/blob"

	"github.com/morton-gen/morton/internal/atomicfile"
)

// MkdirAll is [os.MkdirAll] for paths. A store needs no folders.
func MkdirAll(place string) error {
	if Stored(place) {
		return nil
	}
	return os.MkdirAll(place, 0o755)
}

// Remove is [os.Remove] for places. A missing object is no error, since an earlier
// attempt may have removed it.
func Remove(place string) error {
	if !Stored(place) {
		return os.Remove(place)
	}
	ctx, cancel := limited()
	defer cancel()
	b, key, err := bucket(ctx, place)
	if err != nil {
		return err
	}
	if err = explain("remove", place, repeat(ctx, func() error { return b.Delete(ctx, key) })); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Replace is [atomicfile.Replace] for places.
func Replace(place string, fill func(io.Writer) error) error {
	if !Stored(place) {
		return atomicfile.Replace(place, fill)
	}
	return spool(fill, func(path string) error { return put(place, path, condition{}) })
}

// New is [atomicfile.New] for places: if the place is taken, the error wraps
// [fs.ErrExist]. An object of equal bytes is no error, since the response to an earlier
// attempt may have been lost.
func New(place string, fill func(io.Writer) error) error {
	if !Stored(place) {
		return atomicfile.New(place, fill)
	}
	return spool(fill, func(path string) error { return put(place, path, condition{absent: true}) })
}

// Swap replaces an object by the bytes that fill writes if it still has that tag; "" means
// that the place must be free. Otherwise the error wraps [fs.ErrExist].
func Swap(place, tag string, fill func(io.Writer) error) error {
	return spool(fill, func(path string) error { return put(place, path, condition{tag: tag, absent: tag == ""}) })
}

// spool passes fill's output to use as a temporary file.
func spool(fill func(io.Writer) error, use func(path string) error) error {
	dir, err := atomicfile.CreateFolder(os.TempDir())
	if err != nil {
		return err
	}
	defer dir.Remove()
	path := dir.Path("object")
	if err := atomicfile.Replace(path, fill); err != nil {
		return err
	}
	return use(path)
}

// PutNew uploads a file to a free place, as [New] does.
func PutNew(place, path string) error { return put(place, path, condition{absent: true}) }

// PutOver uploads a file over the object with that tag, as [Swap] does.
func PutOver(place, path, tag string) error { return put(place, path, condition{tag: tag}) }

// condition is the required state of a place for a put.
type condition struct {
	absent bool
	tag    string
}

// put uploads a file. The object appears when it is complete.
func put(place, path string, c condition) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	// A minute, and a second per MB: a slower link is not supported.
	ctx, cancel := context.WithTimeout(context.Background(), 2*stall+time.Duration(info.Size()/1e6)*time.Second)
	defer cancel()
	b, key, err := bucket(ctx, place)
	if err != nil {
		return err
	}
	if key == "" {
		return fmt.Errorf("%w: %s is a bucket", ErrPlace, place)
	}
	o := blob.WriterOptions{ContentType: contentType(key), IfNotExist: c.absent, BeforeWrite: c.apply}
	err = explain("write", place, repeat(ctx, func() error {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		return b.Upload(ctx, key, f, &o)
	}))
	if errors.Is(err, fs.ErrExist) && equal(place, path, info.Size()) {
		return nil
	}
	return err
}

// apply passes the tag to be replaced to a client.
func (c *condition) apply(as func(any) bool) error {
	var s3 *transfermanager.UploadObjectInput
	var gs **storage.ObjectHandle
	switch {
	case c.tag == "":
	case as(&s3):
		s3.IfMatch = aws.String(c.tag)
	case as(&gs):
		n, err := strconv.ParseInt(c.tag, 10, 64)
		if err != nil {
			return err
		}
		*gs = (*gs).If(storage.Conditions{GenerationMatch: n})
	default:
		return errors.New("store: a client without conditions")
	}
	return nil
}

// equal reports whether an object has the same bytes as a file.
func equal(place, path string, size int64) bool {
	o, err := Open(place)
	if err != nil {
		return false
	}
	defer o.Close()
	if info, err := o.Stat(); err != nil || info.Size() != size {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	a, b := make([]byte, 1<<16), make([]byte, 1<<16)
	for {
		n, err1 := io.ReadFull(o, a)
		m, err2 := io.ReadFull(f, b)
		if n != m || !bytes.Equal(a[:n], b[:m]) || err1 != err2 {
			return false
		}
		if err1 != nil {
			return err1 == io.EOF || err1 == io.ErrUnexpectedEOF
		}
	}
}
