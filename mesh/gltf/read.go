package gltf

import (
	"bytes"
	"fmt"
	"path/filepath"

	"github.com/morton-gen/morton/mesh"
	qgltf "github.com/qmuntal/gltf"
)

// ReadOptions control how a file is read. The zero value is ready for use.
type ReadOptions struct {
	Limits Limits
	// Scene is the scene to read, from 0. Nil means the file's default scene,
	// or the first if the file names none.
	Scene *int
	// KeepSplits keeps vertices as in the file: several at one position where
	// normals or texture coordinates jump, and unused ones. By default the
	// vertices of an object with bit-equal positions become one, which closes
	// its surface.
	KeepSplits bool
}

// Info describes a file's contents.
type Info struct {
	Generator      string
	Copyright      string
	ExtensionsUsed []string
	Ignored        []string // those of ExtensionsUsed without effect here

	Materials  int  // in the document; they are not read
	Binary     bool // GLB, not .gltf
	Scene      int  // the scene that was read; -1 if the file has none
	Scenes     int  // in the file
	Hidden     int  // nodes that KHR_node_visibility hides, with what is below them
	Instances  int  // objects shown; a mesh shown twice counts twice
	Vertices   int  // read, over all instances, before equal positions are joined
	Faces      int  // read, over all instances, degenerate ones included
	Primitives int  // primitives with area
	Skipped    int  // primitives without area (points, lines) or positions
	Ngons      int  // primitives that came with FB_ngon_encoding
	Skinned    int  // instances posed by a skin
	Joints     int  // of those skins; one of several counts once
	Morphed    int  // primitives moved by morph targets
	Mirrored   int  // primitives whose winding was reversed
	Degenerate int  // faces dropped for fewer than three distinct corners
}

// Read reads the glTF file at path, GLB or .gltf by content, as [Decode] does.
// Buffers in other files are read only from path's folder and below it.
//
// Errors are those of Decode, or of package io/fs if the file or one of its
// buffers can't be read.
func Read(path string, o ReadOptions) (*mesh.Mesh, Info, error) {
	data, err := readFile(path, filled(o.Limits).Bytes)
	if err != nil {
		return nil, Info{}, fmt.Errorf("gltf.Read: %w", err)
	}
	m, info, err := decode(data, folder(filepath.Dir(path)), o)
	if err != nil {
		return nil, info, fmt.Errorf("gltf.Read: %s: %w", filepath.Base(path), err)
	}
	return m, info, nil
}

// Decode returns the surface of one scene in data, a GLB or a .gltf document: the chosen scene, the default one, or
// the first. Without scenes it reads all nodes; without nodes, all meshes. Coordinates are the file's: metres, Y up,
// right-handed. Faces are counter-clockwise seen from outside, also under reflections. Each node's mesh, and each
// instance of EXT_mesh_gpu_instancing, has its own vertices. Nodes that KHR_node_visibility hides are left out.
// External buffers are read with open, which may be nil.
//
// The error wraps [ErrNotGLTF], [ErrCorrupt], [ErrLimit], [ErrExtension], [ErrResource], [ErrScene],
// [mesh.ErrNotFinite] if a face uses a non-finite vertex, [mesh.ErrEmpty] if the scene has no face, or
// [mesh.ErrNoArea] if all faces shrink to a point or a line, or is an error of open. The result depends on the
// arguments alone. Decode is safe for concurrent use.
func Decode(data []byte, open Resolver, o ReadOptions) (*mesh.Mesh, Info, error) {
	m, info, err := decode(data, open, o)
	if err != nil {
		return nil, info, fmt.Errorf("gltf.Decode: %w", err)
	}
	return m, info, nil
}

// reader is the state of reading one file.
type reader struct {
	doc     *qgltf.Document
	bin     []byte
	open    Resolver
	lim     Limits
	wanted  *int // the chosen scene
	left    budget
	tree    *tree
	buffers map[int][]byte
	views   map[int][]byte // unpacked views
	skins   map[int][]matrix
	joints  map[int]bool    // nodes that are joints of those skins
	applied map[string]bool // extensions that had an effect
	rig     *rigging        // nil if nobody asks for one
	info    Info
}

func newReader(open Resolver, o ReadOptions) *reader {
	r := &reader{
		open: open, lim: filled(o.Limits), wanted: o.Scene,
		buffers: map[int][]byte{}, views: map[int][]byte{}, skins: map[int][]matrix{}, joints: map[int]bool{}, applied: map[string]bool{},
	}
	r.left = newBudget(r.lim)
	return r
}

func decode(data []byte, open Resolver, o ReadOptions) (*mesh.Mesh, Info, error) {
	r := newReader(open, o)
	if err := r.start(data); err != nil {
		return nil, r.info, err
	}
	m, err := r.mesh(o)
	return m, r.info, err
}

// mesh returns the surface of the scene.
func (r *reader) mesh(o ReadOptions) (*mesh.Mesh, error) {
	m := new(mesh.Mesh)
	err := r.objects(func(s *soup) error {
		if err := s.checkFinite(o.KeepSplits); err != nil {
			return err
		}
		r.info.Vertices += len(s.points)
		r.info.Faces += len(s.starts) + s.dropped
		if !o.KeepSplits {
			s = s.weld()
		}
		r.info.Degenerate += s.dropped
		if s.appendTo(m) && r.rig != nil {
			r.rig.weights = append(r.rig.weights, s.weights...)
		}
		return nil
	})
	r.info.Ignored = r.ignored(r.info.ExtensionsUsed)
	if err == nil && m.NumFaces() == 0 {
		err = r.emptiness()
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// emptiness explains why no face is left.
func (r *reader) emptiness() error {
	switch i := r.info; {
	case i.Faces > 0:
		return fmt.Errorf("%w: all of its %d faces shrink to a point or a line", mesh.ErrNoArea, i.Faces)
	case i.Skipped > 0:
		return fmt.Errorf("%w: only points or lines, in %d primitives", mesh.ErrEmpty, i.Skipped)
	case i.Hidden > 0:
		return fmt.Errorf("%w: the scene shows none, and %d of its nodes are hidden", mesh.ErrEmpty, i.Hidden)
	case i.Scenes > 1:
		return fmt.Errorf("%w: scene %d of %d shows none", mesh.ErrEmpty, i.Scene, i.Scenes)
	}
	return fmt.Errorf("%w: the scene shows none", mesh.ErrEmpty)
}

// start parses the document and rejects unsupported extensions.
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
		Generator: r.doc.Asset.Generator, Copyright: r.doc.Asset.Copyright, Materials: len(r.doc.Materials),
		ExtensionsUsed: r.doc.ExtensionsUsed, Binary: bytes.HasPrefix(data, []byte(glbMagic)),
		Scenes: len(r.doc.Scenes),
	}
	if r.info.Scene, err = r.scene(r.wanted); err != nil {
		return err
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
			if err := r.object(&qgltf.Node{Mesh: &i}, placement{global: identity}, yield); err != nil {
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
		if err := r.node(i, yield); err != nil {
			return fmt.Errorf("node %d: %w", i, err)
		}
	}
	return nil
}

// node calls yield with the surface of each instance of a node's mesh.
func (r *reader) node(i int, yield func(*soup) error) error {
	n, global := r.doc.Nodes[i], r.tree.global[i]
	at := placement{global: global, node: i, skin: n.Skin}
	if n.Skin != nil {
		var err error
		if at.joints, err = r.skin(*n.Skin); err != nil {
			return err
		}
		r.info.Skinned++
	}
	places, err := r.instances(n, global)
	if err != nil {
		return err
	}
	for _, at.global = range places {
		if err := r.object(n, at, yield); err != nil {
			return err
		}
	}
	return nil
}

// object builds the surface of a node's mesh at one place.
func (r *reader) object(n *qgltf.Node, at placement, yield func(*soup) error) error {
	if *n.Mesh < 0 || *n.Mesh >= len(r.doc.Meshes) {
		return fmt.Errorf("%w: mesh %d of %d", ErrCorrupt, *n.Mesh, len(r.doc.Meshes))
	}
	m := r.doc.Meshes[*n.Mesh]
	weights := n.Weights
	if len(weights) == 0 {
		weights = m.Weights
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

// placement maps an object's vertices to the world: by the joints of a skin or,
// without joints, by the node's global transform.
type placement struct {
	global matrix
	joints []matrix
	skin   *int // whose joints they are
	node   int
}

// place moves points into the world, and reports whether that mirrors them. One that is not finite
// stays as it was read, for the error that tells of it.
func (r *reader) place(points []mesh.Vec3, p *qgltf.Primitive, at placement) (mirrored bool, err error) {
	if at.joints != nil {
		return r.pose(points, p, at.joints, at.global)
	}
	for v := range points {
		if points[v].IsFinite() {
			points[v] = at.global.point(points[v])
		}
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
	if r.rig != nil {
		weights, err := r.weigh(p, len(points), at)
		if err != nil {
			return err
		}
		s.weights = append(s.weights, weights...)
	}
	r.addFaces(s, p, order, mirrored)
	s.points = append(s.points, points...)
	r.info.Primitives++
	if mirrored {
		r.info.Mirrored++
	}
	return nil
}

// addFaces adds the faces that order makes of p to s. The next vertex of s is
// the first of p.
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
