package obj

import "errors"

// Errors a caller can branch on, beside [mesh.ErrFace], [mesh.ErrNotFinite] and
// [mesh.ErrEmpty].
var (
	// ErrSyntax reports a line that is not OBJ; the message has its number.
	ErrSyntax = errors.New("bad OBJ syntax")
	// ErrLimit reports input larger than a limit.
	ErrLimit = errors.New("over a limit")
)

// Limits bounds what [Read] accepts. A zero field means its default. Memory
// grows with what was read, never with what the input announces.
type Limits struct {
	Bytes       int64 // of the whole input; default 1 GiB
	LineBytes   int   // of one line after joining; default 1 MiB
	Vertices    int   // default 2²⁴
	Faces       int   // default 2²⁴
	Corners     int   // of all faces together; default 2²⁶
	FaceCorners int   // of one face; default 2¹²: cutting a face up takes time quadratic in it
	Names       int   // of objects, groups, materials and libraries together; default 2²⁰
}

// withDefaults returns l with defaults in place of zeros.
func (l Limits) withDefaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = 1 << 30
	}
	for _, field := range []struct {
		value    *int
		fallback int
	}{
		{&l.LineBytes, 1 << 20},
		{&l.Vertices, 1 << 24},
		{&l.Faces, 1 << 24},
		{&l.Corners, 1 << 26},
		{&l.FaceCorners, 1 << 12},
		{&l.Names, 1 << 20},
	} {
		if *field.value == 0 {
			*field.value = field.fallback
		}
	}
	return l
}
