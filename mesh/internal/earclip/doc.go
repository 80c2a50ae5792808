// Package earclip triangulates polygons in a plane by ear clipping. A bitset of ears
// and a tree of reflex corners keep it fast for faces of many corners.
//
// It is not for polygons in space (see package mesh, which projects them).
package earclip
