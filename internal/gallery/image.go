package gallery

import "fmt"

func showImage(p *pane, it Item, _ *Mesh) {
	p.Image = true
	p.Describe = fmt.Sprintf("%s picture of %s", p.Label, it.ID)
}
