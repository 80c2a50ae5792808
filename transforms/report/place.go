package report

import (
	"path/filepath"

	"github.com/morton-gen/morton/transforms/request"
)

// Place names the files of one result, relative to the run's folder:
//
//	<family>/<id>.mp4 .glb .obj .png   what people want
//	<family>/done/<id>.parquet         its tokens
//	<family>/done/<id>.json            the done-marker, written last
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

// Marker returns the done-marker.
func (p Place) Marker() string {
	return filepath.Join(string(p.Family), "done", p.ID+".json")
}
