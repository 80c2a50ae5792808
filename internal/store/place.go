package store

import (
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// Stored reports whether a place is in a supported object store.
func Stored(place string) bool {
	return strings.HasPrefix(place, "s3://") || strings.HasPrefix(place, "gs://")
}

// scheme matches the part before the name of a bucket or host.
var scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// Scheme returns the scheme of a place, such as "s3://", or "" for a path. A folder of
// that name is written ./s3:.
func Scheme(place string) string { return scheme.FindString(place) }

// bucketName matches names that every store accepts and that cannot contain a
// password.
var bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,221}$`)

// maxKey is the length of the longest key, in bytes, that both stores accept.
const maxKey = 1024

// oneSlash matches a place of a store that lacks a slash, which would be a path.
var oneSlash = regexp.MustCompile(`^(s3|gs):/?[^/]`)

// Check returns an error wrapping [ErrPlace] if a place has an unsupported scheme or no
// bucket. Its text has no user name, password or query.
func Check(place string) error {
	if oneSlash.MatchString(place) {
		meant := Redacted(place[:2] + "://" + strings.TrimPrefix(place[3:], "/"))
		return fmt.Errorf("%w: one slash or none; in a store it is %s, and a folder of that name begins with ./", ErrPlace, meant)
	}
	if s := Scheme(place); s == "" {
		return nil
	} else if !Stored(place) {
		return fmt.Errorf("%w: %s places are not served; s3:// and gs:// are", ErrPlace, s)
	}
	_, _, err := split(place)
	return err
}

// split splits a place into bucket and key. The key of a bucket itself is "".
func split(place string) (bucket, key string, err error) {
	s := Scheme(place)
	bucket, key, _ = strings.Cut(place[len(s):], "/")
	key = strings.TrimSuffix(key, "/")
	switch {
	case !bucketName.MatchString(bucket):
		return "", "", fmt.Errorf("%w: %s names no bucket, which is 2 to 222 letters, digits, '.', '_' and '-' and nothing else", ErrPlace, Redacted(place))
	case len(key) > maxKey:
		return "", "", fmt.Errorf("%w: a key of %d bytes, at most %d", ErrPlace, len(key), maxKey)
	}
	return bucket, key, nil
}

// Redacted returns a place without possible secrets: a user and password before the host,
// and everything after a question mark.
func Redacted(place string) string {
	s := Scheme(place)
	if s == "" {
		return place
	}
	rest, query := place[len(s):], ""
	if i := strings.IndexByte(rest, '?'); i >= 0 {
		rest, query = rest[:i], "?…"
	}
	host, key, inside := strings.Cut(rest, "/")
	if i := strings.LastIndex(host, "@"); i >= 0 {
		host = "…" + host[i:]
	}
	if inside {
		key = "/" + key
	}
	return s + host + key + query
}

// Join is [filepath.Join] for places. ".." never leaves the bucket.
func Join(place string, names ...string) string {
	if !Stored(place) {
		return filepath.Join(append([]string{place}, names...)...)
	}
	s := Scheme(place)
	bucket, key, _ := strings.Cut(place[len(s):], "/")
	if rest := path.Join("/", key, path.Join(names...)); rest != "/" {
		return s + bucket + rest
	}
	return s + bucket
}

// Dir is [filepath.Dir] for places. The folder of a bucket is the bucket.
func Dir(place string) string {
	if !Stored(place) {
		return filepath.Dir(place)
	}
	s := Scheme(place)
	rest := strings.TrimSuffix(place[len(s):], "/")
	if i := strings.LastIndex(rest, "/"); i >= 0 {
		rest = rest[:i]
	}
	return s + rest
}

// IsAbs reports whether a place is independent of the working directory.
func IsAbs(place string) bool { return Stored(place) || filepath.IsAbs(place) }

// Link returns the address of place in a link on a page at dir.
func Link(dir, place string) string {
	if Stored(place) {
		if Stored(dir) {
			if rel, ok := relative(dir, place); ok {
				return rel
			}
		}
		return place
	}
	target, err1 := filepath.Abs(place)
	base, err2 := filepath.Abs(dir)
	if err1 != nil || err2 != nil {
		return place
	}
	if Stored(dir) {
		return (&url.URL{Scheme: "file", Path: filepath.ToSlash(target)}).String()
	}
	if rel, err := filepath.Rel(base, target); err == nil {
		return rel
	}
	return target
}

// relative returns place from dir, in the same bucket.
func relative(dir, place string) (string, bool) {
	from, fromKey, err1 := split(dir)
	to, toKey, err2 := split(place)
	if err1 != nil || err2 != nil || from != to || Scheme(dir) != Scheme(place) {
		return "", false
	}
	rel, err := filepath.Rel("/"+fromKey, "/"+toKey)
	return filepath.ToSlash(rel), err == nil
}
