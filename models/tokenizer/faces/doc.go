// Package faces is the tokenizer of Morton's system of quad meshes. A mesh is the points
// of its surface, then a face sequence of quads and padded triangles. Any surface gives
// points; the face sequence becomes a native quad mesh.
//
// It is not for the face sequence itself (see mesh/sequence).
//
// Source: the task is QuadGPT's, arXiv:2509.21420.
package faces
