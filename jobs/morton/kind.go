package main

import "github.com/morton-gen/morton/transforms/request"

// mediaFlag are the flags that commands have for a kind of media alone. Each kind has a
// file here.
type mediaFlag struct {
	generate func(*generateKind)       // adds those of generate
	take     func(*generateKind) error // takes their values, and refuses what no model can do
	tokenize func(*tokenizeKind)       // adds those of tokenize; nil: none
}

var mediaFlags = map[request.Family]mediaFlag{
	request.Video: {addClip, (*generateKind).takeClip, addFrames},
	request.Image: {addPrompt, (*generateKind).takePrompt, nil},
	request.Shape: {addShape, (*generateKind).takeShape, addDepth},
	request.Quads: {addFaces, (*generateKind).takeFaces, addCoding},
	request.Rig:   {addRig, (*generateKind).takeRig, addRigged},
}
