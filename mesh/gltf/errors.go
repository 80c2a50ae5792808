package gltf

import (
	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/mesh/limit"
)

// Errors a caller can branch on. [mesh.ErrEmpty] and [mesh.ErrNotFinite] are
// returned as well, and a file that can't be opened or read gives an error of
// package io/fs.
//
// [mesh.ErrEmpty]: github.com/morton-gen/morton/mesh.ErrEmpty
// [mesh.ErrNotFinite]: github.com/morton-gen/morton/mesh.ErrNotFinite
var (
	// ErrNotGLTF reports bytes that are not glTF 2.x: no GLB header and no JSON
	// object with an asset version, or another major version.
	ErrNotGLTF = errkind.New("not_gltf", "not a glTF 2 file")
	// ErrCorrupt reports an inconsistent glTF: truncated chunks, dangling
	// references, ranges outside their buffer, cycles.
	ErrCorrupt = errkind.New("corrupt", "corrupt glTF")
	// ErrLimit reports a file that exceeds [Limits], or a mesh too large for a
	// GLB.
	ErrLimit = limit.ErrLimit
	// ErrScene reports a scene that the file does not have.
	ErrScene = errkind.New("no_scene", "no such scene")
	// ErrExtension reports a file that requires an unsupported extension; the
	// message names it.
	ErrExtension = errkind.New("extension", "unsupported extension")
	// ErrResource reports a buffer that is neither inside the file nor below
	// its folder: a network address, an absolute path, a path or a link that
	// leads out.
	ErrResource = errkind.New("resource", "buffer outside the file's folder")
)
