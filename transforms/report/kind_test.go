package report

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"syscall"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
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
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/params"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
	"github.com/morton-gen/morton/models/tokenizer/cube"
	"github.com/morton-gen/morton/models/tokenizer/faces"
	"github.com/morton-gen/morton/models/tokenizer/kl"
	"github.com/morton-gen/morton/models/tokenizer/larp"
	"github.com/morton-gen/morton/models/tokenizer/msvq"
	leaves "github.com/morton-gen/morton/models/tokenizer/octree"
	"github.com/morton-gen/morton/models/tokenizer/star"
	"github.com/morton-gen/morton/models/tokenizer/vae3d"
	"github.com/morton-gen/morton/models/tokenizer/vq"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/remesh"
	"github.com/morton-gen/morton/octree/surface"
	"github.com/morton-gen/morton/transforms/claim"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/request"
)

// kinds are the words of a file format: none changes.
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
	{system.ErrUnknown, "bad_model"},
	{system.ErrPrompt, "bad_request"},
	{family.ErrText, "bad_text"},
	{cnn.ErrSize, "picture_size"},
	{kl.ErrConfig, "bad_model"},
	{kl.ErrLatents, "bad_sample"},
	{msvq.ErrConfig, "bad_model"},
	{msvq.ErrToken, "bad_sample"},
	{vq.ErrSize, "picture_size"},
	{vq.ErrToken, "bad_sample"},
	{vq.ErrNoEncoder, "bad_model"},
	{vq.ErrNoDecoder, "bad_model"},
	{larp.ErrConfig, "bad_model"},
	{larp.ErrSize, "clip_size"},
	{larp.ErrToken, "bad_sample"},
	{larp.ErrNoEncoder, "bad_model"},
	{star.ErrConfig, "bad_model"},
	{star.ErrSize, "clip_size"},
	{vae3d.ErrConfig, "bad_model"},
	{vae3d.ErrSize, "clip_size"},

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
	{cube.ErrPrefix, "short_prefix"},

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

	{leaves.ErrDepth, "depth"},
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
	{faces.ErrSample, "bad_sample"},
	{leaves.ErrSample, "bad_sample"},

	{shard.ErrNotShard, "not_a_shard"},
	{shard.ErrSchema, "not_a_shard"},
	{shard.ErrCorrupt, "corrupt"},
	{shard.ErrLimit, "limit"},
	{shard.ErrRange, "bad_sample"},
	{shard.ErrSample, "bad_sample"},

	{engine.ErrTooLong, "too_long"},
	{engine.ErrRequest, "bad_request"},

	{safetensors.ErrNotSafetensors, "bad_model"},
	{safetensors.ErrCorrupt, "bad_model"},
	{params.ErrWeights, "bad_model"},

	{fs.ErrNotExist, "not_found"},
	{fs.ErrPermission, "permission"},
	{syscall.EROFS, "permission"},
}

func TestKindOfEverySentinel(t *testing.T) {
	word := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	for _, k := range kinds {
		if got := Kind(fmt.Errorf("stage: %w: got 3, limit 2", k.err)); got != k.kind {
			t.Errorf("Kind(%v) = %q, want %q", k.err, got, k.kind)
		}
		if !word.MatchString(k.kind) {
			t.Errorf("kind %q is no plain word", k.kind)
		}
	}
}

func TestMessagesAreForPeople(t *testing.T) {
	for text, want := range map[string]string{
		"a/b.obj: obj.Read: line 3: bad face: vertex 9 of 2":                    "a/b.obj: line 3: bad face: vertex 9 of 2",
		"gltf.Read: half.gltf: corrupt glTF: unexpected end of JSON input":      "half.gltf: corrupt glTF: unexpected end of JSON input",
		"gltf.Read: a.gltf: buffer 0: statat gone.bin: no such file":            "a.gltf: buffer 0: gone.bin: no such file",
		"open out/Mesh.Final/x.obj: no such file or directory":                  "out/Mesh.Final/x.obj: no such file or directory",
		"shard.At: a.parquet: samples 0 to 9: corrupt shard: column \"tokens\"": "a.parquet: samples 0 to 9: corrupt shard: column \"tokens\"",
	} {
		if got := Fail(request.Request{}, "decode", errors.New(text)).Failed.Message; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestKindTakesTheFirst(t *testing.T) {
	cases := []struct {
		err  error
		want string
	}{
		{errors.New("something else"), Internal},
		{&fs.PathError{Op: "read", Path: "a", Err: syscall.EISDIR}, "io"},
		{&fs.PathError{Op: "open", Path: "a", Err: syscall.ENOENT}, "not_found"},
		{&fs.PathError{Op: "open", Path: "a", Err: syscall.EACCES}, "permission"},
		{fmt.Errorf("%w: %w", video.ErrNotVideo, fs.ErrNotExist), "not_a_video"},
		{&gpu.OutOfMemoryError{Needed: 2, Available: 1}, "out_of_memory"},
		{fmt.Errorf("opening: %w", &gpu.UnsupportedError{Device: "a", Feature: "b"}), "unsupported_device"},
		{fmt.Errorf("%w: %w", claim.ErrNotOurs, syscall.ENOSPC), "disk_full"},
		{fmt.Errorf("%w: %w", models.ErrFolder, fs.ErrNotExist), "bad_model"},
		{fmt.Errorf("%w: %w", ErrPanic, video.ErrCorrupt), Internal},
		{fmt.Errorf("%w: index out of range", ErrPanic), Internal},
	}
	for _, c := range cases {
		if got := Kind(c.err); got != c.want {
			t.Errorf("Kind(%v) = %q, want %q", c.err, got, c.want)
		}
	}
}
