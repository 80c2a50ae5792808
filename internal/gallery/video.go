package gallery

import "fmt"

// prefix is the given part of a video.
type prefix struct {
	Known   bool
	Percent float64
	Text    string
}

func showVideo(p *pane, it Item, _ *Mesh) {
	p.Video = true
	p.Describe = fmt.Sprintf("%s video of %s", p.Label, it.ID)
}

// timeline shows the given part of a card's video.
func timeline(c *card) {
	if c.Frames > 0 {
		c.Prefix = prefix{
			Known: c.PrefixFrames > 0, Percent: 100 * float64(c.PrefixFrames) / float64(c.Frames),
			Text: fmt.Sprintf("%d of %d given", c.PrefixFrames, c.Frames),
		}
	}
}
