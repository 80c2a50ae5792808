package gallery

// showRig leaves a rig to the picture of its bones, which a page cannot turn.
func showRig(p *pane, _ Item, _ *Mesh) {
	p.Why = "The mesh and its bones. Open the file to pose it."
	if p.Side == "source" {
		p.Why = "Open the file to see it."
	}
}
