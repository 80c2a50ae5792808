package request

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
)

// maxName keeps <id>.parquet and the names of half-written files under the 255
// bytes that file systems take.
const maxName = 120

func isLetterOrDigit(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// IsName reports whether s can be an id: fit for a file name on every system.
func IsName(s string) bool {
	if s == "" || len(s) > maxName || !isLetterOrDigit(s[0]) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isLetterOrDigit(c) && !strings.ContainsRune("._-", rune(c)) {
			return false
		}
	}
	return true
}

// Name turns a path into an id: its base name without the extension, with every
// run of other characters as one '-'.
func Name(path string) string {
	base := filepath.Base(path)
	base = strings.TrimSuffix(base, filepath.Ext(base))
	var out strings.Builder
	for i := range len(base) {
		c := base[i]
		switch {
		case isLetterOrDigit(c) || out.Len() > 0 && strings.ContainsRune("._-", rune(c)):
			out.WriteByte(c)
		case out.Len() > 0 && !strings.HasSuffix(out.String(), "-"):
			out.WriteByte('-')
		}
	}
	name := strings.Trim(out.String(), "-.")
	if name == "" {
		return "item-" + shortHash(path)
	}
	return name[:min(len(name), maxName-20)]
}

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}

// names hands out ids that differ in more than case, since some file systems
// know no case.
type names map[string]bool

// take returns a free name near the wanted one, and takes it.
func (n names) take(name, path string) string { return Free(name, path, n.claim) }

// Free returns name made fit for files if need be, or if claim refuses it, with a
// hash of the path it came from: an id then does not hang on how many others have
// its name. Claim is asked until it accepts.
func Free(name, path string, claim func(string) bool) string {
	if !IsName(name) {
		name = Name(name + ".")
	}
	try := name
	for i := 1; !claim(try); i++ {
		if try = name + "-" + shortHash(path); i > 1 {
			try = fmt.Sprintf("%s-%d", try, i)
		}
	}
	return try
}

// claim takes exactly this name, unless it is gone.
func (n names) claim(name string) bool {
	key := strings.ToLower(name)
	if n[key] {
		return false
	}
	n[key] = true
	return true
}
