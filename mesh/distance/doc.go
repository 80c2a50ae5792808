// Package distance finds the point of a mesh's surface nearest to a given point.
//
// It is not for the distance between two surfaces (see mesh/compare).
//
//	query := distance.New(m)
//	d, closest, face := query.Distance(p)
package distance
