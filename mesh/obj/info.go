package obj

// Part is a run of faces under one name.
type Part struct {
	Name      string
	FirstFace int
	NumFaces  int
}

// Info says what a file held beside the mesh.
type Info struct {
	Objects   []Part   // runs of faces under an "o" line, in file order
	Groups    []Part   // under a "g" line; its names stand as in the file, separated by spaces
	Materials []Part   // under a "usemtl" line
	Libraries []string // "mtllib" lines; the files are not opened

	Lines           int // physical lines
	Vertices        int // as the file has them
	Faces           int // as the file has them, with those dropped
	DroppedCorners  int // corners that repeated the one before
	DroppedFaces    int // faces with fewer than three other corners
	DroppedVertices int // with a coordinate that is not finite, and in no face
	SkippedElements int // "l" and "p" lines, which have no area
}

// run collects the parts of one kind. Faces before the first name belong to no
// part, and a name without faces leaves none.
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
