// Package shipped embeds the models that come with Morton, one folder a family:
// cube, octree and quad. docs/models.md says how each was trained and on what. The folder
// octree-sets is of the source tree alone: it refines shapes, and is named by its path.
package shipped

import "embed"

// Files holds the model folders.
//
//go:embed all:cube all:octree all:quad
var Files embed.FS
