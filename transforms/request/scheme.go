package request

import "regexp"

var scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// Scheme returns the scheme of a place that is none of the file system's, such as
// "s3://", and else "". A folder of that name has another one: ./s3:.
func Scheme(path string) string { return scheme.FindString(path) }
