package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/codecs/video/isolated"
	"github.com/morton-gen/morton/mesh/gltf"
	"github.com/morton-gen/morton/models/checkpoint"
	"github.com/morton-gen/morton/transforms/family"
)

// errUnknownFile reports a file that inspect does not recognise.
var errUnknownFile = errors.New("not a video, mesh, shard, checkpoint or model folder")

// inspect describes the file or folder at path by its contents. how applies to meshes
// and checkpoints.
func inspect(ctx context.Context, path string, how inspection) (facts, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return inspectFolder(path, how)
	}
	if !info.Mode().IsRegular() { // opening a pipe would block
		return nil, fmt.Errorf("%w: %s", family.ErrNotFile, path)
	}
	head, err := readStart(path)
	if err != nil {
		return nil, err
	}
	switch {
	case len(head) == 0:
		return nil, fmt.Errorf("%w: %s", family.ErrEmptyFile, path)
	case bytes.HasPrefix(head, []byte("PAR1")):
		return inspectShard(path, info.Size())
	case looksLikeSafetensors(head, info.Size()), looksLikeTorch(head):
		return inspectCheckpoint(path, how.model)
	}
	found, err := inspectMesh(path, info.Size(), how.mesh)
	if errors.Is(err, gltf.ErrNotGLTF) && !strings.EqualFold(filepath.Ext(path), ".gltf") && head[0] == '{' {
		return nil, fmt.Errorf("%w: %s is a JSON object, but not a glTF document", errUnknownFile, path)
	}
	if !errors.Is(err, family.ErrNotMesh) {
		return found, err
	}
	found, err = inspectVideo(ctx, path, how.media)
	if errors.Is(err, video.ErrNotVideo) && slices.Contains([]string{".pt", ".pth", ".ckpt", ".bin", ".safetensors"}, strings.ToLower(filepath.Ext(path))) {
		return inspectCheckpoint(path, how.model) // it has errors for common mistakes, such as Git LFS pointers
	}
	if errors.Is(err, video.ErrNotVideo) {
		return nil, fmt.Errorf("%w: %s", errUnknownFile, path)
	}
	return found, err
}

func readStart(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 64)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	return head[:n], nil
}

// looksLikeSafetensors reports whether head has a plausible header length of
// eight bytes and then a JSON object.
func looksLikeSafetensors(head []byte, size int64) bool {
	return len(head) > 8 && head[8] == '{' && binary.LittleEndian.Uint64(head) <= uint64(size)-8
}

// looksLikeTorch reports whether head starts a ZIP archive or the pickle of
// torch before 1.6.
func looksLikeTorch(head []byte) bool {
	return bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("\x80\x02"))
}

// inspectFolder describes a model, a checkpoint, a run or a folder of shards.
func inspectFolder(path string, how inspection) (facts, error) {
	if isModel(path) {
		return inspectModel(path)
	}
	if weights, err := checkpoint.List(path); err == nil && len(weights) > 0 {
		return inspectCheckpoint(path, how.model)
	}
	shards, err := shard.Glob(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", errUnknownFile, path)
	}
	if err != nil {
		return nil, err
	}
	return inspectShards(path, shards)
}

// isModel reports whether path is a model folder of ours, by its config.json.
func isModel(path string) bool {
	var c struct{ Family string }
	f, err := os.Open(filepath.Join(path, "config.json"))
	if err != nil {
		return false
	}
	defer f.Close()
	return json.NewDecoder(io.LimitReader(f, 1<<20)).Decode(&c) == nil && c.Family != ""
}

// inspectModel returns config.json as it is. The weights are a separate file.
func inspectModel(path string) (facts, error) {
	f, err := os.Open(filepath.Join(path, "config.json"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var config map[string]json.RawMessage
	if err := json.NewDecoder(io.LimitReader(f, 1<<20)).Decode(&config); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	var found facts
	found.add("kind", "model folder")
	for _, key := range []string{"family", "name", "network", "quad", "octree", "cube", "sampling", "training"} {
		if value, ok := config[key]; ok {
			found.add(key, json.RawMessage(bytes.TrimSpace(compact(value))))
		}
	}
	weights, err := inspectSafetensors(filepath.Join(path, "model.safetensors"), 0)
	if err != nil {
		return nil, err
	}
	return append(found, weights[1:]...), nil
}

func compact(data json.RawMessage) []byte {
	var out bytes.Buffer
	if err := json.Compact(&out, data); err != nil {
		return data
	}
	return out.Bytes()
}

func inspectVideo(ctx context.Context, path string, l video.Limits) (facts, error) {
	info, err := isolated.Decoder{}.Probe(ctx, path, l)
	if err != nil {
		return nil, err
	}
	f := videoFacts(info, false)
	f.add("bytes", info.Bytes)
	return f, nil
}
