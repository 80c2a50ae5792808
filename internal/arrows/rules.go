package arrows

import (
	"fmt"
	"slices"
	"strings"
)

// Rules says which imports are allowed.
type Rules struct {
	// Module is our module's path.
	Module string
	// Below names, for each top-level folder, the others it may import.
	Below map[string][]string
	// Only names, for a module of others, the folders that may import it;
	// those under them may too. A module not named here is free.
	Only map[string][]string
}

// House is DESIGN's arrows, and the modules that have one door each.
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

// Check returns one line for each import that breaks the rules, in the order
// of imports.
func (r Rules) Check(imports []Import) []string {
	var violations []string
	for _, i := range imports {
		if why := r.broken(i); why != "" {
			violations = append(violations, fmt.Sprintf("%s: imports %s: %s", i.File, i.Path, why))
		}
	}
	return violations
}

// broken says which rule the import breaks, or "".
func (r Rules) broken(i Import) string {
	from := top(i.Dir())
	below, known := r.Below[from]
	if !known {
		return fmt.Sprintf("folder %q has no place in the house", from)
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

// within says whether path is folder or under it.
func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}
