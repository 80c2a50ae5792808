// Package armature reads skinned meshes of robots and animals from files that packages hold, and makes
// creatures of our own, for the corpus of rigs. All stand with Y up.
//
// A robot is a tree of rigid links, so each vertex follows one joint. An animal is a skin of
// MuJoCo's, with smooth weights. A creature is tubes around bones, with smooth weights too.
//
// It is a tool: it trusts its files no further than the mesh readers do.
package armature
