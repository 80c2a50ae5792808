package request

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// maxName keeps <id>.parquet and the names of temporary files below 255 bytes,
// the limit of file systems, in bytes.
const maxName = 120

// cutName leaves room for the hash that [Free] may add.
const cutName = maxName - 20

func isLetterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// isInner reports whether r may follow the first letter of an id. Marks are
// vowels in many scripts.
func isInner(r rune) bool {
	return isLetterOrDigit(r) || unicode.IsMark(r) || strings.ContainsRune("._-", r)
}

// IsName reports whether s can be an id: valid as a file name on every system. It
// has letters and digits of any script, '.', '_' and '-', starts with a letter or
// digit, and is in Unicode NFC.
func IsName(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	if len(s) > maxName || !isLetterOrDigit(first) || !norm.NFC.IsNormalString(s) {
		return false
	}
	for _, r := range s { // invalid UTF-8 gives U+FFFD, which is not a letter
		if !isInner(r) {
			return false
		}
	}
	return true
}

// Normal returns s in Unicode NFC, since systems write one name in several
// forms.
func Normal(s string) string { return norm.NFC.String(s) }

// Fold returns equal strings for ids that a file system may treat as equal. Some
// ignore case, and some the Unicode form.
func Fold(id string) string { return norm.NFC.String(cases.Fold().String(norm.NFC.String(id))) }

// Name turns a path into an id: its base name without the extension, with every
// run of other characters replaced by one '-'.
func Name(path string) string {
	base := filepath.Base(path)
	base = strings.ToValidUTF8(strings.TrimSuffix(base, filepath.Ext(base)), "-") // NFC skips text after an invalid byte
	base = norm.NFC.String(base)
	var out strings.Builder
	for _, r := range base {
		switch {
		case isLetterOrDigit(r) || out.Len() > 0 && isInner(r):
			out.WriteRune(r)
		case out.Len() > 0 && !strings.HasSuffix(out.String(), "-"):
			out.WriteByte('-')
		}
	}
	name := strings.Trim(out.String(), "-.")
	if name == "" {
		return "item-" + shortHash(path)
	}
	return clip(name, cutName)
}

// clip cuts s to at most n bytes at a character boundary.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}

// names assigns ids that are distinct under [Fold].
type names map[string]bool

// take returns a free name close to the wanted one and claims it.
func (n names) take(name, path string) string { return Free(name, path, n.claim) }

// Free returns a valid file name that claim accepts. If claim rejects name, a hash
// of the path is appended, so an id does not depend on how many others have its
// name. Free calls claim until it accepts.
func Free(name, path string, claim func(string) bool) string {
	if !IsName(name) {
		name = Name(name + ".")
	}
	try := name
	for i := 1; !claim(try); i++ {
		if try = clip(name, cutName) + "-" + shortHash(path); i > 1 {
			try = fmt.Sprintf("%s-%d", try, i)
		}
	}
	return try
}

// claim claims exactly this name, unless it is taken.
func (n names) claim(name string) bool {
	key := Fold(name)
	if n[key] {
		return false
	}
	n[key] = true
	return true
}
