package main

import (
	"fmt"
	"io"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/transforms/request"
)

// noteFaces says so if requests ask for larger meshes than the model was trained
// for. A model that cannot be read has its error when it is opened.
func noteFaces(w io.Writer, dir string, requests []request.Request) {
	asked, most := 0, 0
	c, err := models.ReadConfig(dir, shard.KindQuad)
	if err != nil || c.Quad.Faces == 0 {
		return
	}
	for _, r := range requests {
		if r.Family == request.Quads && r.Faces > c.Quad.Faces {
			asked++
			most = max(most, r.Faces)
		}
	}
	if asked > 0 {
		fmt.Fprintf(w, "note: %d of %d requests ask for up to %d faces, which is beyond the training of model %s: three in four of its meshes had at most %d\n",
			asked, len(requests), most, c.Name, c.Quad.Faces)
	}
}
