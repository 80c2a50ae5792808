package gltf

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// inWords describes an error in a JSON document in terms of the file.
func inWords(err error) string {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &kind):
		where := strings.TrimLeft(kind.Field, ".")
		if where == "" {
			where = fmt.Sprintf("at byte %d", kind.Offset)
		}
		return fmt.Sprintf("%s: the file has %s where another type belongs", where, withArticle(kind.Value))
	case errors.As(err, &syntax):
		return fmt.Sprintf("the JSON breaks off or is wrong at byte %d: %v", syntax.Offset, syntax)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the JSON breaks off"
	}
	return "the JSON is not that of glTF"
}

// withArticle prefixes JSON's type names: array, bool, number, object, string.
func withArticle(word string) string {
	if strings.HasPrefix(word, "array") || strings.HasPrefix(word, "object") {
		return "an " + word
	}
	return "a " + word
}
