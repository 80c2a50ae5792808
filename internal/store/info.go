package store

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"gocloud.dev/blob"
)

// Tag changes whenever the object at a place does: its ETag in S3, its generation
// in Google's store. It is "" for a file and for a folder.
func Tag(info fs.FileInfo) string {
	t, _ := info.Sys().(tag)
	return string(t)
}

type tag string

// object is the fs.FileInfo and fs.DirEntry of an object or a folder in a store.
type object struct {
	key    string
	size   int64
	time   time.Time
	tag    tag
	folder bool
}

func (o *object) Name() string               { return path.Base(o.key) }
func (o *object) Size() int64                { return o.size }
func (o *object) ModTime() time.Time         { return o.time }
func (o *object) IsDir() bool                { return o.folder }
func (o *object) Sys() any                   { return o.tag }
func (o *object) Type() fs.FileMode          { return o.Mode().Type() }
func (o *object) Info() (fs.FileInfo, error) { return o, nil }

func (o *object) Mode() fs.FileMode {
	if o.folder {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

// attributed describes a single object.
func attributed(key string, a *blob.Attributes) *object {
	o := &object{key: key, size: a.Size, time: a.ModTime, tag: tag(a.ETag)}
	if gs := (storage.ObjectAttrs{}); a.As(&gs) {
		o.tag = generation(gs.Generation)
	}
	return o
}

// listed describes an object or a folder in a list.
func listed(l *blob.ListObject) *object {
	o := &object{key: strings.TrimSuffix(l.Key, "/"), size: l.Size, time: l.ModTime, folder: l.IsDir}
	var s3 types.Object
	var gs storage.ObjectAttrs
	switch {
	case l.IsDir:
	case l.As(&s3):
		o.tag = tag(aws.ToString(s3.ETag))
	case l.As(&gs):
		o.tag = generation(gs.Generation)
	}
	return o
}

func generation(n int64) tag { return tag(strconv.FormatInt(n, 10)) }
