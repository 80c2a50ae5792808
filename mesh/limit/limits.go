package limit

// Limits bounds one file. A zero field means its default. Formats ignore limits
// that do not apply to them.
type Limits struct {
	Bytes       int64 `json:"bytes,omitempty"`        // of the file and the buffers beside it; default 1 GiB
	LineBytes   int   `json:"line_bytes,omitempty"`   // of one line of text; default 1 MiB or 64 times FaceCorners
	Vertices    int   `json:"vertices,omitempty"`     // default 2²⁴; glTF, over all instances, 2²³
	Faces       int   `json:"faces,omitempty"`        // default 2²⁴
	Corners     int   `json:"corners,omitempty"`      // of all faces together; default 2²⁶; glTF 2²⁵
	FaceCorners int   `json:"face_corners,omitempty"` // of one face; default 2¹⁶, since triangulation takes quadratic time
	Names       int   `json:"names,omitempty"`        // OBJ: objects, groups, materials, libraries; PLY: elements and properties; default 2²⁰
	JSONObjects int   `json:"json_objects,omitempty"` // glTF: in the document; default 262,144
	JSONValues  int   `json:"json_values,omitempty"`  // glTF: in the document; default 4,194,304
}

// WithDefaults returns l with defaults in place of zeros. Counts are at most
// what the 32-bit indices of package mesh allow.
func (l Limits) WithDefaults() Limits {
	if l.Bytes <= 0 {
		l.Bytes = 1 << 30
	}
	fill(&l.Vertices, 1<<24)
	fill(&l.Faces, 1<<24)
	fill(&l.Corners, 1<<26)
	fill(&l.FaceCorners, 1<<16)
	fill(&l.LineBytes, max(1<<20, 64*min(l.FaceCorners, 1<<24)))
	fill(&l.Names, 1<<20)
	fill(&l.JSONObjects, 1<<18)
	fill(&l.JSONValues, 1<<22)
	return l
}

// Unlimited returns the highest limits, for files the program wrote itself.
func Unlimited() Limits {
	const most = 1<<31 - 1
	return Limits{1 << 62, most, most, most, most, most, most, most, most}
}

func fill(x *int, fallback int) {
	if *x <= 0 {
		*x = fallback
	}
	*x = min(*x, 1<<31-1)
}
