package request

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/morton-gen/morton/internal/store"
)

// Limits of a manifest.
const (
	MaxRequests  = 1 << 22
	maxLineBytes = 1 << 20
)

// Manifest controls how a manifest is read. It has one JSON object per line, with
// the fields of [Request]: {"id": …, "input": …, "seed": …, …}.
//
// A missing id is made from the input. A given id is converted to Unicode NFC and
// must be a name (see [IsName]) and unique (see [Fold]). Other fields are the
// user's own and go into Extra, unless they resemble one of ours. Blank lines and
// a byte order mark are skipped. Lines that name the same file are all kept.
//
// Errors wrap [ErrManifest] and name the line, or are the file system's.
type Manifest struct {
	// Base has the defaults of a line. A line must not change its family unless
	// Base has none.
	Base Request
	// Check returns further errors of a line, or nil. It may change the line.
	Check func(*Request) error
	// Classes has the names that a line's class may have in place of its number. The
	// request gets the number.
	Classes []string
	// Dir is the folder of relative inputs; empty leaves them unchanged.
	Dir string
	// Name is the file's name in errors.
	Name string
}

// ReadManifest is [Manifest.Read] with a base alone.
func ReadManifest(path string, base Request) ([]Request, error) {
	return Manifest{Base: base}.Read(path)
}

// DecodeManifest reads bytes and leaves inputs unchanged.
func DecodeManifest(r io.Reader, base Request) ([]Request, error) {
	return Manifest{Base: base}.Decode(r)
}

// Read reads a file. Its inputs are relative to its folder unless Dir is set; those
// of a pipe are relative to the working directory.
func (m Manifest) Read(path string) ([]Request, error) {
	f, err := store.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("request.ReadManifest: %w: %s is a folder", ErrManifest, path)
	case m.Dir == "" && info.Mode().IsRegular():
		m.Dir = store.Dir(path)
	}
	m.Name = path
	return m.Decode(f)
}

// Decode reads the requests of a manifest.
func (m Manifest) Decode(r io.Reader) ([]Request, error) {
	var requests []Request
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLineBytes)
	taken := names{}
	number := 1
	for ; lines.Scan(); number++ {
		line := lines.Bytes()
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if len(requests) == MaxRequests {
			return nil, m.fault(number, fmt.Errorf("over %d requests", MaxRequests))
		}
		q, err := m.line(line)
		if err == nil && q.ID != "" && !taken.claim(q.place()) {
			err = fmt.Errorf("id %q is taken", q.ID)
		}
		if err != nil {
			return nil, m.fault(number, err)
		}
		requests = append(requests, q)
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("too long: over %d bytes", maxLineBytes)
		}
		return nil, m.fault(number, err)
	}
	return finish(requests, taken)
}

// fault adds the position of an error, as file:line if the file has a name.
func (m Manifest) fault(number int, err error) error {
	if m.Name == "" {
		return fmt.Errorf("request.ReadManifest: %w: line %d: %w", ErrManifest, number, err)
	}
	return fmt.Errorf("request.ReadManifest: %w: %s:%d: %w", ErrManifest, m.Name, number, err)
}

// line reads one request into a deep copy of the base.
func (m Manifest) line(line []byte) (Request, error) {
	q := m.Base
	q.Extra = maps.Clone(q.Extra)
	q.Sampling, q.Scene, q.Class, q.Guidance = own(q.Sampling), own(q.Scene), own(q.Class), own(q.Guidance)
	if !utf8.Valid(line) {
		return q, errors.New("not UTF-8 text, which JSON is")
	}
	ours, extra, err := splitLine(line, m.Base.Family)
	if err != nil {
		return q, err
	}
	if err := m.numberClass(ours); err != nil {
		return q, err
	}
	text, err := json.Marshal(ours)
	if err != nil {
		return q, err
	}
	if err := json.Unmarshal(text, &q); err != nil {
		return q, explain(err)
	}
	if _, given := ours["input"]; given && q.Input == "" {
		return q, errors.New(`"input" is empty; a request without an input leaves it out`)
	}
	if _, given := ours["faces"]; given && q.Faces == 0 { // omitted, it means the model's own
		return q, errors.New("faces 0: at least 1")
	}
	if m.Base.Family != "" && q.Family != m.Base.Family {
		return q, fmt.Errorf("family %q in a run of %q", q.Family, m.Base.Family)
	}
	if m.Base.Family != "" && q.Row != 0 { // only requests from shards have it
		return q, fmt.Errorf("\"row\" is no field of %s", q.Family)
	}
	if err := q.addOwn(extra); err != nil {
		return q, err
	}
	q.ID = Normal(q.ID)
	q.Input = m.path(q.Input)
	for name, path := range map[string]*string{"text": &q.Text, "control": &q.Control} {
		if _, given := ours[name]; given {
			*path = m.path(*path)
		}
	}
	return q, m.validate(&q)
}

// numberClass puts the number of a class in the place of its name.
func (m Manifest) numberClass(ours map[string]json.RawMessage) error {
	given, ok := ours["class"]
	if len(m.Classes) == 0 || !ok {
		return nil
	}
	var class any
	if err := json.Unmarshal(given, &class); err != nil {
		return explain(err)
	}
	switch class := class.(type) {
	case string:
		number, err := ClassNumber(m.Classes, class)
		if err != nil {
			return err
		}
		ours["class"] = json.RawMessage(strconv.Itoa(number))
	case float64:
		if class >= float64(len(m.Classes)) {
			_, err := ClassNumber(m.Classes, string(given))
			return err
		}
	case bool, []any, map[string]any:
		return fmt.Errorf(`"class" must be a whole number or a name, not %s`, given)
	}
	return nil
}

// ClassNumber returns the number of the class that a text names, or that it is. The error
// lists the names.
func ClassNumber(names []string, class string) (int, error) {
	if i := slices.Index(names, class); i >= 0 {
		return i, nil
	}
	if i, err := strconv.Atoi(class); err == nil && i >= 0 && i < len(names) {
		return i, nil
	}
	return 0, fmt.Errorf("class %q: the model has %s, or their numbers, 0 to %d", class, strings.Join(names, ", "), len(names)-1)
}

// path resolves a line's path. One that is no place is left to be rejected.
func (m Manifest) path(p string) string {
	if m.Dir == "" || p == "" || store.IsAbs(p) || store.Check(p) != nil {
		return p
	}
	return store.Join(m.Dir, p)
}

// own returns a pointer to a copy of *p, or nil.
func own[T any](p *T) *T {
	if p == nil {
		return nil
	}
	x := *p
	return &x
}

func (m Manifest) validate(q *Request) error {
	probe := *q
	if probe.ID == "" {
		probe.ID = "pending"
	}
	if why := probe.invalid(); why != "" {
		return errors.New(why)
	}
	if m.Check != nil {
		return m.Check(q)
	}
	return nil
}

// explain describes an error of encoding/json in terms of a manifest.
func explain(err error) error {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax) && strings.HasPrefix(syntax.Error(), "unexpected end"):
		return errors.New("the line ends inside an object; a request is one line")
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON: %w", err)
	case !errors.As(err, &wrong):
		return err
	}
	given := strings.TrimPrefix(wrong.Value, "number ")
	if wrong.Field == "" {
		return fmt.Errorf("%s where an object {…} must be", given)
	}
	return fmt.Errorf("%q must be %s, not %s", wrong.Field, typeWords(wrong.Type), given)
}

func typeWords(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Uint64:
		return "a whole number from 0 to 18446744073709551615"
	case reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.Map, reflect.Struct:
		return "an object {…}"
	}
	return "of another kind"
}
