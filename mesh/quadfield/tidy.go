package quadfield

import (
	"slices"

	"github.com/morton-gen/morton/mesh"
)

// tidying applies local operations on quads that bring valences nearer to their
// ideal. Every operation keeps the surface closed and all quads.
//
// Source: the operations of Tarini, Pietroni, Cignoni, Panozzo and Puppo, "Practical
// quad mesh simplification", 2010.
type tidying struct {
	*patch
	around [][]int32 // [v] faces
}

// tidy applies operations until none helps, then compacts.
func (p *patch) tidy() {
	t := &tidying{patch: p, around: make([][]int32, len(p.at))}
	for f, face := range p.faces {
		for _, v := range face {
			t.around[v] = append(t.around[v], int32(f))
		}
	}
	for again := true; again; {
		again = false
		for f := range int32(len(p.faces)) {
			for i := 0; i < 4 && p.faces[f] != nil; i++ {
				if t.dissolve(f, i) || i < 2 && t.collapse(f, i) || t.rotate(f, i) {
					again = true
				}
			}
		}
	}
	p.faces = slices.DeleteFunc(p.faces, func(face []int32) bool { return face == nil })
}

func (t *tidying) valence(v int32) int { return len(t.around[v]) }

// off returns the squared deviation from v's ideal valence after a change.
func (t *tidying) off(v int32, by int) int {
	d := t.valence(v) + by - t.ideal[v]
	return d * d
}

// replace replaces faces, unless a new one is folded or faces another way than the
// old ones.
func (t *tidying) replace(old []int32, faces ...[]int32) bool {
	n := mesh.Vec3{}
	for _, f := range old {
		n = n.Add(t.faceVector(t.faces[f]))
	}
	n = n.Unit()
	for _, face := range faces {
		if t.faceVector(face).Unit().Dot(n) < 0.7 {
			return false
		}
	}
	for i, f := range old {
		for _, v := range t.faces[f] {
			t.around[v] = slices.DeleteFunc(t.around[v], func(g int32) bool { return g == f })
		}
		t.faces[f] = nil
		if i < len(faces) {
			t.faces[f] = faces[i]
			for _, v := range faces[i] {
				t.around[v] = append(t.around[v], f)
			}
		}
	}
	return true
}

// neighbours returns the ends of v's edges.
func (t *tidying) neighbours(v int32) (all []int32) {
	for _, f := range t.around[v] {
		face := t.faces[f]
		all = append(all, face[(slices.Index(face, v)+1)%4])
	}
	return all
}

// across returns the face on the other side of the edge from v to w of face f.
func (t *tidying) across(f, v, w int32) int32 {
	for _, g := range t.around[v] {
		if face := t.faces[g]; g != f && face[(slices.Index(face, w)+1)%4] == v && slices.Contains(face, w) {
			return g
		}
	}
	return -1
}

// dissolve merges the two faces at a vertex of valence two.
func (t *tidying) dissolve(f int32, i int) bool {
	v := t.faces[f][i]
	if t.valence(v) != 2 || t.kind[v] != free {
		return false
	}
	face := t.faces[f]
	a, x, b := face[(i+3)%4], face[(i+2)%4], face[(i+1)%4]
	g := t.around[v][0]
	if g == f {
		g = t.around[v][1]
	}
	y := t.faces[g][(slices.Index(t.faces[g], v)+2)%4]
	if x == y || t.valence(a) < 3 || t.valence(b) < 3 {
		return false
	}
	return t.replace([]int32{f, g}, []int32{x, a, y, b})
}

// collapse merges two opposite corners of a face.
func (t *tidying) collapse(f int32, i int) bool {
	face := t.faces[f]
	a, b, c, d := face[i], face[i+1], face[i+2], face[(i+3)%4]
	if t.kind[a] != free {
		a, c = c, a
	}
	if t.kind[a] != free || t.valence(b) < 4 || t.valence(d) < 4 {
		return false
	}
	joined := t.valence(a) + t.valence(c) - 2 - t.ideal[c]
	gain := t.off(a, 0) + t.off(c, 0) + t.off(b, 0) + t.off(d, 0) - joined*joined - t.off(b, -1) - t.off(d, -1)
	if gain <= 0 {
		return false
	}
	theirs := t.neighbours(c)
	for _, v := range t.neighbours(a) {
		if v != b && v != d && (v == c || slices.Contains(theirs, v)) {
			return false
		}
	}
	was, is := t.at[c], t.at[c]
	if t.kind[c] == free {
		is = t.at[a].Add(t.at[c]).Scale(0.5)
	}
	old := []int32{}
	var faces [][]int32
	for _, g := range t.around[a] {
		if g != f {
			next := slices.Clone(t.faces[g])
			next[slices.Index(next, a)] = c
			if slices.Contains(t.around[c], g) {
				return false
			}
			old, faces = append(old, g), append(faces, next)
		}
	}
	t.at[c] = is
	if !t.replace(append(old, f), faces...) {
		t.at[c] = was
		return false
	}
	return true
}

// rotate rotates an edge within its two faces.
func (t *tidying) rotate(f int32, i int) bool {
	face := t.faces[f]
	a, b, p, q := face[i], face[(i+1)%4], face[(i+2)%4], face[(i+3)%4]
	if t.marks[key(a, b)] != 0 || t.valence(a) < 4 || t.valence(b) < 4 {
		return false
	}
	g := t.across(f, a, b)
	if g < 0 {
		return false
	}
	j := slices.Index(t.faces[g], b)
	r, s := t.faces[g][(j+2)%4], t.faces[g][(j+3)%4]
	for _, turn := range [2][6]int32{{p, r, q, a, s, b}, {q, s, a, r, b, p}} {
		x, y := turn[0], turn[1]
		gain := t.off(a, 0) + t.off(b, 0) + t.off(x, 0) + t.off(y, 0) - t.off(a, -1) - t.off(b, -1) - t.off(x, 1) - t.off(y, 1)
		if gain <= 0 || x == y || slices.Contains(t.neighbours(x), y) {
			continue
		}
		one, other := []int32{p, q, a, r}, []int32{r, s, b, p}
		if x == q {
			one, other = []int32{q, a, r, s}, []int32{s, b, p, q}
		}
		if t.replace([]int32{f, g}, one, other) {
			return true
		}
	}
	return false
}
