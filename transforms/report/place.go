package report

import (
	"path/filepath"

	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/transforms/claim"
	"github.com/morton-gen/morton/transforms/request"
)

// Place names the files of one result, relative to the run's folder:
//
//	<family>/<id>.mp4 .glb .obj .png   the media; planes of a shape are .safetensors
//	<family>/done/<id>.parquet         its tokens
//	<family>/done/<id>.json            the marker
type Place struct {
	Family request.Family
	ID     string
}

// File returns the result's file with an extension such as ".mp4".
func (p Place) File(ext string) string {
	return filepath.Join(string(p.Family), p.ID+ext)
}

// Tokens returns the file of the result's tokens, or "" if the family has none.
func (p Place) Tokens() string {
	if !p.Family.HasModel() {
		return ""
	}
	return filepath.Join(string(p.Family), "done", p.ID+".parquet")
}

// Marker returns the path of the marker.
func (p Place) Marker() string {
	return filepath.Join(string(p.Family), "done", p.ID+".json")
}

// Files returns the files of a result of the action, without its marker.
func (p Place) Files(action string) []string {
	var files []string
	if tokens := p.Tokens(); tokens != "" {
		files = append(files, tokens)
	}
	if action == Tokenize {
		return files
	}
	for _, ending := range p.Family.Files() {
		files = append(files, p.File(ending))
	}
	return files
}

// Source returns the path of an input relative to the run's folder, with links of folders resolved. It
// does not depend on the working directory, and stays the same if both are moved together. If either
// is in a store, it is the place itself. An empty input gives an empty source.
func Source(dir, input string) string {
	if input == "" {
		return ""
	}
	if store.Stored(input) {
		return store.Join(input)
	}
	folder, base := filepath.Split(input)
	path := filepath.Join(claim.Resolve(folder), base)
	if store.Stored(dir) {
		return path
	}
	if rel, err := filepath.Rel(claim.Resolve(dir), path); err == nil {
		return rel
	}
	return path
}
