package gltf

// polygons joins the triangles of an FB_ngon_encoding primitive back into
// faces. Successive triangles are one face if each starts with the same vertex
// and continues at the end of the last one. The draft requires only the first
// condition; the second separates neighbours that share their first vertex.
type polygons struct {
	face []int32
	emit func(face []int32)
}

func (p *polygons) add(a, b, c int32) {
	if n := len(p.face); n > 0 && p.face[0] == a && p.face[n-1] == b {
		p.face = append(p.face, c)
		return
	}
	p.flush()
	p.face = append(p.face, a, b, c)
}

func (p *polygons) flush() {
	if len(p.face) > 0 {
		p.emit(p.face)
		p.face = p.face[:0]
	}
}
