package pipelines

import (
	"slices"

	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/transforms/claim"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// WithoutResults returns the paths that are not files of an earlier run into the folder
// out with the same family and action. From the second run on a pattern such as
// "**/*.obj" matches those too. A result that was changed is kept: it may be the user's
// work.
func WithoutResults(out string, f request.Family, action string, paths []string) []string {
	inputs := claim.NewInputs(paths...)
	results := map[string]bool{}
	files, markers := report.Claims(out, f, action)
	for _, m := range markers {
		if path, ok := inputs.At(store.Join(out, m)); ok {
			results[path] = true
		}
	}
	for _, c := range files {
		if path, ok := inputs.At(store.Join(out, c.Path)); ok && (claim.Files{c}).Whole(out) {
			results[path] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return results[path] })
}
