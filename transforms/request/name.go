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

// maxName keeps <id>.parquet and the names of half-written files under the 255
// bytes that file systems take. Bytes count, not characters.
const maxName = 120

// cutName leaves room for the hash that [Free] may add.
const cutName = maxName - 20

func isLetterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// isInner reports whether r may follow the first letter of an id. Marks are the
// vowels of many scripts.
func isInner(r rune) bool {
	return isLetterOrDigit(r) || unicode.IsMark(r) || strings.ContainsRune("._-", r)
}

// IsName reports whether s can be an id: fit for a file name on every system. It
// has letters and digits of any script, '.', '_' and '-', begins with a letter or
// digit, and is in Unicode's form NFC.
func IsName(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	if len(s) > maxName || !isLetterOrDigit(first) || !norm.NFC.IsNormalString(s) {
		return false
	}
	for _, r := range s { // bytes that are no UTF-8 give U+FFFD, which is no letter
		if !isInner(r) {
			return false
		}
	}
	return true
}

// Normal returns s in Unicode's form NFC: systems write one name in several.
func Normal(s string) string { return norm.NFC.String(s) }

// Fold returns equal strings for ids that a file system may take for one. Some file
// systems ignore case, and some the form of Unicode.
func Fold(id string) string { return norm.NFC.String(cases.Fold().String(norm.NFC.String(id))) }

// Name turns a path into an id: its base name without the extension, with every
// run of other characters as one '-'.
func Name(path string) string {
	base := filepath.Base(path)
	base = strings.ToValidUTF8(strings.TrimSuffix(base, filepath.Ext(base)), "-") // NFC passes over what follows a broken byte
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

// clip cuts s to at most n bytes between two characters.
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

// names hands out ids that differ in more than [Fold] leaves.
type names map[string]bool

// take returns a free name near the wanted one, and takes it.
func (n names) take(name, path string) string { return Free(name, path, n.claim) }

// Free returns a name that is fit for files and that claim accepts. If claim refuses
// name, a hash of the path is appended, so an id does not depend on how many others
// have its name. Free asks claim until it accepts.
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

// claim takes exactly this name, unless it is gone.
func (n names) claim(name string) bool {
	key := Fold(name)
	if n[key] {
		return false
	}
	n[key] = true
	return true
}
