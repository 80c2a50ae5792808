package quad

import (
	"slices"

	"github.com/morton-gen/morton/mesh/sequence"
	"github.com/morton-gen/morton/models/transformer"
)

// DefaultFaces returns the most faces of a mesh if the request does not say. Three in
// four meshes of the training had at most so many. Where that is not known, it is the
// number that fits into a sequence of the given length.
func (c Config) DefaultFaces(length int) int {
	if c.Faces > 0 {
		return c.Faces
	}
	return max((length-c.Points-1)/sequence.FaceTokens, 1)
}

// TrainedFaces returns what three in four of the sequences have at most, in faces.
func (c Config) TrainedFaces(sequences []*transformer.Sequence) int {
	faces := make([]int, len(sequences))
	for i, s := range sequences {
		faces[i] = (len(s.Tokens) - c.Points) / sequence.FaceTokens
	}
	if len(faces) == 0 {
		return 0
	}
	slices.Sort(faces)
	return min(faces[3*(len(faces)-1)/4], maxFaces)
}
