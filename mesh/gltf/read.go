package gltf

import (
	"bytes"
	"fmt"
	"path/filepath"

	"github.com/morton-gen/morton/mesh"
	qgltf "github.com/qmuntal/gltf"
)

// ReadOptions says how a file is read. The zero value is ready for use.
type ReadOptions struct {
	Limits Limits
	// KeepSplits leaves vertices as the file has them: several at one position
	// where normals or texture coordinates jump, and those no face uses.
	// Without it, the vertices of one object that have bit-equal positions
	// become one, and so its surface closes.
	KeepSplits bool
}

// Info tells what was found in a file.
type Info struct {
	Generator      string
	Copyright      string
	ExtensionsUsed []string

	Binary     bool // GLB, not .gltf
	Instances  int  // nodes with a mesh; a mesh shown twice counts twice
	Primitives int  // primitives with area
	Skipped    int  // primitives without area (points, lines) or positions
	Ngons      int  // primitives that came with FB_ngon_encoding
	Skinned    int  // instances posed by a skin
	Morphed    int  // primitives moved by morph targets
	Mirrored   int  // primitives whose winding was turned back
	Degenerate int  // faces left out since fewer than three of their corners differ
}

// Read reads the glTF file at path, GLB or .gltf by content, as [Decode] does.
// Buffers in other files are read only from path's folder and below it.
//
// Errors are those of Decode, or of package io/fs if the file or one of its
// buffers can't be read.
func Read(path string, o ReadOptions) (*mesh.Mesh, Info, error) {
	data, err := readFile(path, o.Limits.filled().FileBytes)
	if err != nil {
		return nil, Info{}, fmt.Errorf("gltf.Read: %w", err)
	}
	m, info, err := decode(data, folder(filepath.Dir(path)), o)
	if err != nil {
		return nil, info, fmt.Errorf("gltf.Read: %s: %w", filepath.Base(path), err)
	}
	return m, info, nil
}

// Decode returns the surface of the default scene in data, a GLB or a .gltf
// document, or of all nodes if no scene is named, or of all meshes if there are
// no nodes. Coordinates are the file's: metres, Y up, right-handed. Faces are
// counter-clockwise seen from outside, also under mirroring transforms; each
// node's mesh is a separate set of vertices. Paths of external buffers go to
// open, which may be nil.
//
// The error wraps [ErrNotGLTF], [ErrCorrupt], [ErrLimit], [ErrExtension],
// [ErrResource], [mesh.ErrNotFinite], [mesh.ErrEmpty] if nothing in the scene
// has a face, or what open returned. The result depends on the arguments alone,
// and Decode may run concurrently.
func Decode(data []byte, open Resolver, o ReadOptions) (*mesh.Mesh, Info, error) {
	m, info, err := decode(data, open, o)
	if err != nil {
		return nil, info, fmt.Errorf("gltf.Decode: %w", err)
	}
	return m, info, nil
}

// reader is one file on its way to a mesh.
type reader struct {
	doc     *qgltf.Document
	bin     []byte
	open    Resolver
	lim     Limits
	left    budget
	tree    *tree
	buffers map[int][]byte
	skins   map[int][]matrix
	info    Info
}

func decode(data []byte, open Resolver, o ReadOptions) (*mesh.Mesh, Info, error) {
	r := &reader{open: open, lim: o.Limits.filled(), buffers: map[int][]byte{}, skins: map[int][]matrix{}}
	r.left = r.lim.budget()
	if err := r.start(data); err != nil {
		return nil, r.info, err
	}
	m := new(mesh.Mesh)
	err := r.objects(func(s *soup) error {
		if err := s.checkFinite(); err != nil {
			return err
		}
		if !o.KeepSplits {
			s = s.weld()
		}
		r.info.Degenerate += s.dropped
		s.appendTo(m)
		return nil
	})
	if err == nil && m.NumFaces() == 0 {
		err = fmt.Errorf("%w: %d primitives with area, %d without", mesh.ErrEmpty, r.info.Primitives, r.info.Skipped)
	}
	if err != nil {
		return nil, r.info, err
	}
	return m, r.info, nil
}

// start reads the document, and refuses what can't be shown.
func (r *reader) start(data []byte) error {
	if err := r.left.spendBytes(int64(len(data))); err != nil {
		return err
	}
	text, bin, err := split(data)
	if err != nil {
		return err
	}
	if r.doc, err = parse(text, r.lim); err != nil {
		return err
	}
	r.bin = bin
	r.info = Info{
		Generator: r.doc.Asset.Generator, Copyright: r.doc.Asset.Copyright,
		ExtensionsUsed: r.doc.ExtensionsUsed, Binary: bytes.HasPrefix(data, []byte(glbMagic)),
	}
	if err := checkRequired(r.doc.ExtensionsRequired); err != nil {
		return err
	}
	r.tree, err = newTree(r.doc.Nodes)
	return err
}

// objects calls yield with the surface of each node that shows a mesh.
func (r *reader) objects(yield func(*soup) error) error {
	if len(r.doc.Nodes) == 0 {
		for i := range r.doc.Meshes {
			if err := r.object(&qgltf.Node{Mesh: &i}, identity, yield); err != nil {
				return fmt.Errorf("mesh %d: %w", i, err)
			}
		}
		return nil
	}
	nodes, err := r.shown()
	if err != nil {
		return err
	}
	for _, i := range nodes {
		if r.doc.Nodes[i].Mesh == nil {
			continue
		}
		if err := r.object(r.doc.Nodes[i], r.tree.global[i], yield); err != nil {
			return fmt.Errorf("node %d: %w", i, err)
		}
	}
	return nil
}

// object builds the surface of one node.
func (r *reader) object(n *qgltf.Node, global matrix, yield func(*soup) error) error {
	if *n.Mesh < 0 || *n.Mesh >= len(r.doc.Meshes) {
		return fmt.Errorf("%w: mesh %d of %d", ErrCorrupt, *n.Mesh, len(r.doc.Meshes))
	}
	m := r.doc.Meshes[*n.Mesh]
	weights := n.Weights
	if len(weights) == 0 {
		weights = m.Weights
	}
	at := placement{global: global}
	if n.Skin != nil {
		var err error
		if at.joints, err = r.skin(*n.Skin); err != nil {
			return err
		}
		r.info.Skinned++
	}
	r.info.Instances++
	s := new(soup)
	for i, p := range m.Primitives {
		if err := r.primitive(s, p, weights, at); err != nil {
			return fmt.Errorf("mesh %d, primitive %d: %w", *n.Mesh, i, err)
		}
	}
	return yield(s)
}

// placement is how an object's vertices get into the world: by the joints of a
// skin, or without joints by the node's global transform.
type placement struct {
	global matrix
	joints []matrix
}

func (r *reader) place(points []mesh.Vec3, p *qgltf.Primitive, at placement) (mirrored bool, err error) {
	if at.joints != nil {
		return r.pose(points, p, at.joints, at.global)
	}
	for v := range points {
		points[v] = at.global.point(points[v])
	}
	return at.global.mirrors(), nil
}

// primitive adds the faces of p to s.
func (r *reader) primitive(s *soup, p *qgltf.Primitive, weights []float64, at placement) error {
	if _, ok := p.Attributes[qgltf.POSITION]; !ok || !hasArea(p.Mode) {
		r.info.Skipped++
		return r.left.spendWork(1)
	}
	points, err := r.positions(p, weights)
	if err != nil {
		return err
	}
	order, err := r.indices(p, len(points))
	if err != nil {
		return err
	}
	if err := r.left.spendCorners(cornersOf(p.Mode, len(order))); err != nil {
		return err
	}
	mirrored, err := r.place(points, p, at)
	if err != nil {
		return err
	}
	r.addFaces(s, p, order, mirrored)
	s.points = append(s.points, points...)
	r.info.Primitives++
	if mirrored {
		r.info.Mirrored++
	}
	return nil
}

// addFaces adds the faces that p makes of order to s, whose next vertex is the
// first of p.
func (r *reader) addFaces(s *soup, p *qgltf.Primitive, order []int32, mirrored bool) {
	for i := range order {
		order[i] += int32(len(s.points))
	}
	if _, ok := has(p.Extensions, extNgon); ok && p.Mode == qgltf.PrimitiveTriangles {
		r.info.Ngons++
		join := polygons{emit: func(face []int32) { s.addFace(face, mirrored) }}
		triangles(p.Mode, order, join.add)
		join.flush()
		return
	}
	triangles(p.Mode, order, func(a, b, c int32) { s.addFace([]int32{a, b, c}, mirrored) })
}
