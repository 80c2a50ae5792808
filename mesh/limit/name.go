package limit

import (
	"fmt"
	"strconv"
	"strings"
)

// Name names one limit on a command line and in errors.
type Name string

// The names of the fields of [Limits].
const (
	Bytes       Name = "bytes"
	LineBytes   Name = "line-bytes"
	Vertices    Name = "vertices"
	Faces       Name = "faces"
	Corners     Name = "corners"
	FaceCorners Name = "face-corners"
	Names       Name = "names"
	JSONObjects Name = "json-objects"
	JSONValues  Name = "json-values"
)

// All lists the names in the order of the fields.
var All = []Name{Bytes, LineBytes, Vertices, Faces, Corners, FaceCorners, Names, JSONObjects, JSONValues}

// Set sets one limit from text such as "face-corners=100000". It makes *Limits
// a [flag.Value] that may be given several times.
func (l *Limits) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return fmt.Errorf("%q: want NAME=N, where NAME is one of %s", text, words())
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 1 {
		return fmt.Errorf("%q: a limit is a whole number from 1 on", text)
	}
	if Name(name) == Bytes {
		l.Bytes = n
		return nil
	}
	field := l.field(Name(name))
	if field == nil {
		return fmt.Errorf("%q: no such limit; there are %s", text, words())
	}
	if n > 1<<31-1 {
		return fmt.Errorf("%q: at most %d, since indices have 32 bits", text, 1<<31-1)
	}
	*field = int(n)
	return nil
}

// String returns the limits that are set, in the form that Set takes.
func (l *Limits) String() string {
	if l == nil {
		return ""
	}
	var set []string
	for _, name := range All {
		n := l.Bytes
		if field := l.field(name); field != nil {
			n = int64(*field)
		}
		if n != 0 {
			set = append(set, fmt.Sprintf("%s=%d", name, n))
		}
	}
	return strings.Join(set, " ")
}

func (l *Limits) field(name Name) *int {
	switch name {
	case LineBytes:
		return &l.LineBytes
	case Vertices:
		return &l.Vertices
	case Faces:
		return &l.Faces
	case Corners:
		return &l.Corners
	case FaceCorners:
		return &l.FaceCorners
	case Names:
		return &l.Names
	case JSONObjects:
		return &l.JSONObjects
	case JSONValues:
		return &l.JSONValues
	}
	return nil
}

func words() string {
	all := make([]string, len(All))
	for i, name := range All {
		all[i] = string(name)
	}
	return strings.Join(all, ", ")
}
