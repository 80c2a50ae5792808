package report

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/build"
	"github.com/morton-gen/morton/mesh/gltf"
	"github.com/morton-gen/morton/mesh/limit"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/mesh/off"
	"github.com/morton-gen/morton/mesh/ply"
	"github.com/morton-gen/morton/mesh/sequence"
	"github.com/morton-gen/morton/mesh/stl"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/cube"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/quad"
	"github.com/morton-gen/morton/models/shape"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/remesh"
	"github.com/morton-gen/morton/octree/surface"
	"github.com/morton-gen/morton/transforms/claim"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/request"
)

// ErrPanic reports a panic while one item was worked on: a fault of ours, which
// costs that item and no other.
var ErrPanic = errors.New("panic")

// Internal is the kind of an error that no sentinel names.
const Internal = "internal"

// kinds names errors for people who count and filter failures. The first that
// matches counts, so what a file is comes before what the file system said. The
// words are part of the file format: they never change.
var kinds = []struct {
	err  error
	kind string
}{
	{ErrPanic, Internal},
	{syscall.ENOSPC, "disk_full"},
	{syscall.EDQUOT, "disk_full"},
	{claim.ErrInput, "is_input"},
	{claim.ErrNotOurs, "not_ours"},
	{claim.ErrChanged, "changed"},

	{gpu.ErrDeviceLost, "device_lost"},
	{gpu.ErrOutOfMemory, "out_of_memory"},
	{gpu.ErrNoDevice, "no_device"},
	{gpu.ErrUnsupported, "unsupported_device"},
	{models.ErrFolder, "bad_model"},
	{models.ErrFamily, "bad_model"},

	{family.ErrNotFile, "not_a_file"},
	{family.ErrEmptyFile, "empty"},
	{family.ErrNotMesh, "not_a_mesh"},
	{family.ErrNoInput, "no_input"},
	{family.ErrUnknown, "unknown_family"},
	{family.ErrNoTokens, "bad_request"},
	{request.ErrInvalid, "bad_request"},
	{request.ErrNoMatch, "no_match"},
	{request.ErrFolder, "not_a_file"},
	{request.ErrNotUTF8, "bad_name"},
	{models.ErrPrefix, "short_prefix"},

	{video.ErrNotVideo, "not_a_video"},
	{video.ErrNoVideoStream, "no_video_stream"},
	{video.ErrEmpty, "no_frames"},
	{video.ErrUnsupportedCodec, "unsupported_codec"},
	{video.ErrCorrupt, "corrupt"},
	{video.ErrLimit, "limit"},

	{gltf.ErrNotGLTF, "not_gltf"},
	{gltf.ErrExtension, "extension"},
	{gltf.ErrResource, "resource"},
	{gltf.ErrScene, "no_scene"},
	{gltf.ErrCorrupt, "corrupt"},
	{gltf.ErrLimit, "limit"},
	{obj.ErrSyntax, "syntax"},
	{ply.ErrSyntax, "syntax"},
	{stl.ErrSyntax, "syntax"},
	{off.ErrSyntax, "syntax"},
	{off.ErrDialect, "unsupported_format"},
	{build.ErrToken, "syntax"},
	{obj.ErrLimit, "limit"},
	{limit.ErrLimit, "limit"},
	{mesh.ErrNoArea, "no_area"},
	{mesh.ErrEmpty, "no_faces"},
	{mesh.ErrNotFinite, "not_finite"},
	{mesh.ErrFace, "bad_face"},

	{shape.ErrDepth, "depth"},
	{octree.ErrDepth, "depth"},
	{remesh.ErrOptions, "bad_request"},
	{remesh.ErrBudget, "budget"},
	{remesh.ErrVanished, "vanished"},
	{octree.ErrEmpty, "no_faces"},
	{octree.ErrDomain, "out_of_domain"},
	{octree.ErrLimit, "limit"},
	{octree.ErrTokens, "bad_sample"},
	{surface.ErrCodes, "bad_sample"},
	{sequence.ErrToken, "bad_sample"},
	{cube.ErrSample, "bad_sample"},
	{quad.ErrSample, "bad_sample"},
	{shape.ErrSample, "bad_sample"},

	{shard.ErrNotShard, "not_a_shard"},
	{shard.ErrSchema, "not_a_shard"},
	{shard.ErrCorrupt, "corrupt"},
	{shard.ErrLimit, "limit"},
	{shard.ErrRange, "bad_sample"},
	{shard.ErrSample, "bad_sample"},

	{engine.ErrTooLong, "too_long"},
	{engine.ErrRequest, "bad_request"},

	{fs.ErrNotExist, "not_found"},
	{fs.ErrPermission, "permission"},
	{syscall.EROFS, "permission"},
}

// Kind returns the short word for an error that stands in failures.jsonl.
func Kind(err error) string {
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k.kind
		}
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return "io"
	}
	return Internal
}
