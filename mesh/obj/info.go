package obj

// Part is a range of faces under one name.
type Part struct {
	Name      string
	FirstFace int
	NumFaces  int
}

// Info describes what a file contained beside the mesh.
type Info struct {
	Objects   []Part   // ranges of faces under an "o" line, in file order
	Groups    []Part   // under a "g" line; its names as in the file, separated by spaces
	Materials []Part   // under a "usemtl" line
	Libraries []string // "mtllib" lines; the files are not opened

	Lines           int // physical lines
	Vertices        int // as in the file
	Faces           int // as in the file, dropped ones included
	DroppedCorners  int // equal to the corner before
	DroppedFaces    int // fewer than three distinct corners
	DroppedVertices int // not finite and unused
	SkippedElements int // "l" and "p" lines, which have no area
}

// run collects the parts of one kind. Faces before the first name belong to no
// part. A name without faces is dropped.
type run struct {
	parts []Part
	open  Part
	named bool
}

// begin ends the open part before face and opens another.
func (r *run) begin(name string, face int) {
	r.end(face)
	r.open, r.named = Part{Name: name, FirstFace: face}, true
}

// end closes the open part before face.
func (r *run) end(face int) {
	if r.open.NumFaces = face - r.open.FirstFace; r.named && r.open.NumFaces > 0 {
		r.parts = append(r.parts, r.open)
	}
	r.named = false
}
