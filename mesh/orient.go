package mesh

// Orientation reports what [Orient] found and changed.
type Orientation struct {
	Patches   int // sets of faces joined by manifold edges
	Flipped   int // faces turned around
	Conflicts int // manifold edges that no choice can satisfy, as on a Möbius strip
}

// Orient returns m with consistent winding: across every edge with exactly two
// faces the two run in opposite directions, wherever that is possible. A closed
// patch (without boundary or non-manifold edges) is turned so that its signed
// volume is positive, normals outward. Inner shells are turned outward too,
// since patches are treated separately. An open patch keeps the winding of most
// of its area.
//
// Faces must share vertices to be neighbours: [Weld] first. The first corner of
// each face and the order of faces are kept.
func Orient(m *Mesh) (*Mesh, Orientation) {
	out := Clone(m)
	t := BuildEdges(m)
	p := findPatches(t)
	reverse := p.chooseSides(m, t)
	result := Orientation{Patches: p.n, Conflicts: p.conflicts}
	for f := range out.NumFaces() {
		if p.flipped[f] != reverse[p.patch[f]] {
			flip(out.Face(f))
			result.Flipped++
		}
	}
	return out, result
}

// patches records for every face its patch and whether it has to flip to agree
// with the first face of the patch.
type patches struct {
	patch     []int32
	flipped   []bool
	n         int
	conflicts int
}

// findPatches walks across manifold edges from face to face.
func findPatches(t *Edges) patches {
	n := t.mesh.NumFaces()
	p := patches{patch: make([]int32, n), flipped: make([]bool, n)}
	for f := range p.patch {
		p.patch[f] = -1
	}
	var queue []int32
	for f := range p.patch {
		if p.patch[f] >= 0 {
			continue
		}
		p.patch[f] = int32(p.n)
		for queue = append(queue[:0], int32(f)); len(queue) > 0; queue = queue[1:] {
			queue = p.visit(t, queue[0], queue)
		}
		p.n++
	}
	p.countConflicts(t)
	return p
}

// visit labels the unlabelled neighbours of face f and appends them to queue.
func (p *patches) visit(t *Edges, f int32, queue []int32) []int32 {
	for h := t.mesh.Starts[f]; h < t.mesh.Starts[f+1]; h++ {
		e := t.Of[h]
		if e < 0 || !t.IsManifold(e) {
			continue
		}
		u := t.HalfEdges(e)
		g := t.FaceOf[u[0]+u[1]-h]
		if p.patch[g] >= 0 {
			continue
		}
		p.patch[g] = int32(p.n)
		p.flipped[g] = p.flipped[f] == t.opposed(e)
		queue = append(queue, g)
	}
	return queue
}

// countConflicts counts the manifold edges whose faces still run in the same
// direction after flipping.
func (p *patches) countConflicts(t *Edges) {
	for e := range int32(t.Len()) {
		if !t.IsManifold(e) {
			continue
		}
		u := t.HalfEdges(e)
		f, g := t.FaceOf[u[0]], t.FaceOf[u[1]]
		if t.opposed(e) != (p.flipped[f] == p.flipped[g]) {
			p.conflicts++
		}
	}
}

// chooseSides returns for every patch whether to flip it as a whole.
func (p *patches) chooseSides(m *Mesh, t *Edges) []bool {
	closed := make([]bool, p.n)
	for i := range closed {
		closed[i] = true
	}
	for h, e := range t.Of {
		if e >= 0 && !t.IsManifold(e) {
			closed[p.patch[t.FaceOf[h]]] = false
		}
	}
	volume, kept := make([]float64, p.n), make([]float64, p.n)
	origin := make([]*Vec3, p.n) // a point of the patch, for precision far from the origin
	for f := range m.NumFaces() {
		i, area := p.patch[f], newell(m.Vertices, m.Face(f))
		if origin[i] == nil {
			origin[i] = &m.Vertices[m.Face(f)[0]]
		}
		sign := 1.0
		if p.flipped[f] {
			sign = -1
		}
		kept[i] += sign * area.Len()
		volume[i] += sign * coneVolume(m.Vertices, m.Face(f), *origin[i])
	}
	reverse := make([]bool, p.n)
	for i := range reverse {
		if closed[i] {
			reverse[i] = volume[i] < 0
		} else {
			reverse[i] = kept[i] < 0
		}
	}
	return reverse
}
