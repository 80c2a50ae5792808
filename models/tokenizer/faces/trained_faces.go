package faces

import (
	"slices"

	"github.com/morton-gen/morton/mesh/sequence"
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

// TrainedFaces returns what three in four of the training samples have at most, in faces,
// from the number of positions of each.
func (c Config) TrainedFaces(positions []int) int {
	if len(positions) == 0 {
		return 0
	}
	faces := make([]int, len(positions))
	for i, n := range positions {
		faces[i] = (n - c.Points) / sequence.FaceTokens
	}
	slices.Sort(faces)
	return min(faces[3*(len(faces)-1)/4], maxFaces)
}
