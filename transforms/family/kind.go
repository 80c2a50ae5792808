package family

import (
	"fmt"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/transforms/request"
)

var kinds = map[request.Family]string{
	request.Video: shard.KindCube,
	request.Image: shard.KindVQ,
	request.Shape: shard.KindOctree,
	request.Quads: shard.KindQuad,
}

// OfKind returns the family whose samples are of a kind (see shard.Sample), or
// an error wrapping [ErrUnknown].
func OfKind(kind string) (request.Family, error) {
	for f, k := range kinds {
		if k == kind {
			return f, nil
		}
	}
	return "", fmt.Errorf("family.OfKind: %w: samples of kind %q", ErrUnknown, kind)
}
