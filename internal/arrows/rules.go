package arrows

import (
	"fmt"
	"slices"
	"strings"
)

// Rules are the allowed imports.
type Rules struct {
	// Module is our module's path.
	Module string
	// Below has, for each top-level folder, the others it may import.
	Below map[string][]string
	// Only has, for an external module, the folders that may import it, with
	// subfolders. Other modules may be imported anywhere.
	Only map[string][]string
}

// House is the rules of docs/design.md, with modules that only one folder may
// import.
var House = Rules{
	Module: "github.com/morton-gen/morton",
	Below: map[string][]string{
		"internal":   nil,
		"codecs":     {"internal"},
		"mesh":       {"internal"},
		"gpu":        {"internal"},
		"octree":     {"mesh", "internal"},
		"models":     {"octree", "mesh", "codecs", "gpu", "internal"},
		"transforms": {"models", "octree", "mesh", "codecs", "gpu", "internal"},
		"pipelines":  {"transforms", "models", "octree", "mesh", "codecs", "gpu", "internal"},
		"jobs":       {"pipelines", "transforms", "models", "octree", "mesh", "codecs", "gpu", "internal"},
		"tools":      {"models", "octree", "mesh", "codecs", "gpu", "internal"},
	},
	Only: map[string][]string{
		"github.com/apache/beam/sdks/v2": {"transforms", "pipelines", "jobs"},
		"github.com/asticode/go-astiav":  {"codecs/video"},
		"gocloud.dev":                    {"internal/store"},
		"github.com/aws":                 {"internal/store"},
		"cloud.google.com/go/storage":    {"internal/store"},
		"github.com/vulkan-go/vulkan":    {"gpu/vk"},
		"github.com/prometheus":          {"transforms", "jobs"},
	},
}

// Check returns one line per violation, in the order of imports.
func (r Rules) Check(imports []Import) []string {
	var violations []string
	for _, i := range imports {
		if why := r.broken(i); why != "" {
			violations = append(violations, fmt.Sprintf("%s: imports %s: %s", i.File, i.Path, why))
		}
	}
	return violations
}

// broken returns the rule that the import breaks, or "".
func (r Rules) broken(i Import) string {
	from := top(i.Dir())
	below, known := r.Below[from]
	if !known {
		return fmt.Sprintf("folder %q is not in the rules", from)
	}
	if to, ours := strings.CutPrefix(i.Path, r.Module+"/"); ours {
		if to := top(to); to != from && !slices.Contains(below, to) {
			return fmt.Sprintf("%s may not import %s", from, to)
		}
		return ""
	}
	for module, doors := range r.Only {
		if within(i.Path, module) && !slices.ContainsFunc(doors, func(d string) bool { return within(i.Dir(), d) }) {
			return fmt.Sprintf("only %s may import %s", strings.Join(doors, ", "), module)
		}
	}
	return ""
}

// top returns the first element of a slash-separated path.
func top(path string) string {
	first, _, _ := strings.Cut(path, "/")
	return first
}

// within reports whether path is folder or below it.
func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}
