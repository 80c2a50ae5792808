package request

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/morton-gen/morton/internal/store"
)

// Spell returns a path as text. A byte that is not UTF-8 becomes \xHH, since JSON
// cannot represent it.
func Spell(path string) string {
	if utf8.ValidString(path) {
		return path
	}
	var out strings.Builder
	for i := 0; i < len(path); {
		r, n := utf8.DecodeRuneInString(path[i:])
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&out, `\x%02x`, path[i])
		} else {
			out.WriteString(path[i : i+n])
		}
		i += n
	}
	return out.String()
}

var spelledByte = regexp.MustCompile(`\\x[89a-f][0-9a-f]`)

// unspell undoes [Spell].
func unspell(text string) string {
	return spelledByte.ReplaceAllStringFunc(text, func(s string) string {
		b, _ := strconv.ParseUint(s[2:], 16, 8) // the expression ensures hexadecimal digits
		return string([]byte{byte(b)})
	})
}

// CheckInput says in a user's words why no file is there under an input's name: it
// was a pattern, a folder, or a name that [Spell] had to change. The error wraps
// [ErrNoMatch], [ErrFolder] or [ErrNotUTF8], or [store.ErrUnavailable] where nobody can
// tell; nil says that opening the file tells the rest.
func CheckInput(input string) error {
	if input == "" {
		return nil
	}
	switch _, err := store.Lstat(input); {
	case err == nil && store.Stored(input):
		return nil
	case err == nil:
		return folderFault(input)
	case errors.Is(err, store.ErrUnavailable): // nor would it answer whoever opens the input
		return err
	case !errors.Is(err, fs.ErrNotExist):
		return nil
	}
	if store.Stored(input) && isFolder(input) {
		return folderFault(input)
	}
	if raw := unspell(input); raw != input && !utf8.ValidString(raw) {
		if _, err := os.Lstat(raw); err == nil {
			return fmt.Errorf("%w: rename %s", ErrNotUTF8, input)
		}
	}
	if isPattern(input) {
		return fmt.Errorf("%w: %s", ErrNoMatch, input)
	}
	return nil
}

// absolute returns an input's absolute path. The empty path of no input stays.
func absolute(path string) string {
	if path == "" || store.Stored(path) {
		return path
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path // there is no working directory
}

// Absolute returns copies of the requests with absolute inputs, for a manifest that
// is read from any folder.
func Absolute(requests []Request) []Request {
	all := make([]Request, len(requests))
	for i, r := range requests {
		all[i] = r
		for _, p := range all[i].Paths() {
			*p = absolute(*p)
		}
	}
	return all
}
