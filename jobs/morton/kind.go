package main

import "github.com/morton-gen/morton/transforms/request"

// mediaFlag are the flags of one kind of media. Each kind has a file here.
type mediaFlag struct {
	generate func(*generateKind)       // adds the flags of generate
	take     func(*generateKind) error // reads and validates their values
	tokenize func(*tokenizeKind)       // adds the flags of tokenize
}

var mediaFlags = map[request.Family]mediaFlag{
	request.Video: {addClip, (*generateKind).takeClip, addFrames},
	request.Image: {addPrompt, (*generateKind).takePrompt, addPicture},
	request.Shape: {addShape, (*generateKind).takeShape, addDepth},
	request.Quads: {addFaces, (*generateKind).takeFaces, addCoding},
	request.Rig:   {addRig, (*generateKind).takeRig, addRigged},
}
