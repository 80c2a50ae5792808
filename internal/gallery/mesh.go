package gallery

import "fmt"

func showMesh(p *pane, it Item, m *Mesh) {
	p.Describe = fmt.Sprintf("%s mesh of %s", p.Label, it.ID)
	switch {
	case m == nil || m.NumFaces() == 0:
		p.Why = "No geometry to draw."
	case !p.Drawn:
		p.Why = fmt.Sprintf("%d faces are too many to draw here. Open the file instead.", m.NumFaces())
	default:
		p.Summary = census(m)
		p.Describe += fmt.Sprintf(": %s. Arrow keys turn it, plus and minus zoom, zero resets the view.", p.Summary)
	}
}

// census describes the numbers of m's faces by kind.
func census(m *Mesh) string {
	var n [3]int // triangles, quads, more
	for f := range m.NumFaces() {
		n[min(m.Starts[f+1]-m.Starts[f], 5)-3]++
	}
	total := m.NumFaces()
	switch total {
	case n[0]:
		return fmt.Sprintf("%d triangles", total)
	case n[1]:
		return fmt.Sprintf("%d quads", total)
	}
	// Rounded down, so that 100% means all.
	return fmt.Sprintf("%d faces, %d%% quads", total, 100*int64(n[1])/int64(total))
}
