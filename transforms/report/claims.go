package report

import (
	"github.com/morton-gen/morton/transforms/claim"
	"github.com/morton-gen/morton/transforms/request"
)

// Claims returns the files that the markers of a run's folder claim: those of all
// results of a family that the action made, and the folder's own, such as the page.
// markers are the paths of the markers themselves. Unreadable markers are left out here;
// [CheckFolder] reports them.
func Claims(dir string, f request.Family, action string) (files claim.Files, markers []string) {
	folder, err := readFolder(dir, false)
	if folder.there && err == nil {
		markers = append(markers, FolderFile)
	}
	files = folder.files
	results, _ := Markers(dir, f)
	for _, m := range results {
		if m.Result.Action == action {
			files = append(files, m.Files...)
			markers = append(markers, Place{f, m.Result.ID}.Marker())
		}
	}
	return files, markers
}
