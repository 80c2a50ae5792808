package gltf

// polygons joins the triangles of an FB_ngon_encoding primitive back into the
// faces they were cut from: triangles in sequence are one face as long as each
// starts with the same vertex and goes on where the last one ended. (The draft
// only asks for the first; the second keeps faces apart in files whose writer
// let two neighbours share their first vertex.)
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
