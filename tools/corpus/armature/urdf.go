package armature

import (
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/mesh/rig"
)

// errRobot reports a description that gives no rig.
var errRobot = errors.New("no robot")

type urdf struct {
	Links []struct {
		Name      string     `xml:"name,attr"`
		Visual    []urdfPart `xml:"visual"`
		Collision []urdfPart `xml:"collision"`
	} `xml:"link"`
	Joints []urdfJoint `xml:"joint"`
}

type urdfJoint struct {
	Name   string     `xml:"name,attr"`
	Type   string     `xml:"type,attr"`
	Origin urdfOrigin `xml:"origin"`
	Parent urdfLink   `xml:"parent"`
	Child  urdfLink   `xml:"child"`
}

type urdfLink struct {
	Link string `xml:"link,attr"`
}

type urdfOrigin struct {
	XYZ string `xml:"xyz,attr"`
	RPY string `xml:"rpy,attr"`
}

type urdfPart struct {
	Origin   urdfOrigin `xml:"origin"`
	Geometry struct {
		Mesh *struct {
			File  string `xml:"filename,attr"`
			Scale string `xml:"scale,attr"`
		} `xml:"mesh"`
		Box *struct {
			Size string `xml:"size,attr"`
		} `xml:"box"`
		Cylinder *struct {
			Radius float64 `xml:"radius,attr"`
			Length float64 `xml:"length,attr"`
		} `xml:"cylinder"`
		Sphere *struct {
			Radius float64 `xml:"radius,attr"`
		} `xml:"sphere"`
	} `xml:"geometry"`
}

// numbers reads three numbers; "" is a default.
func numbers(text string, or mesh.Vec3) (v mesh.Vec3, err error) {
	if strings.TrimSpace(text) == "" {
		return or, nil
	}
	if n, err := fmt.Sscan(text, &v[0], &v[1], &v[2]); n != 3 {
		return v, fmt.Errorf("%w: %q are no three numbers: %w", errRobot, text, err)
	}
	return v, nil
}

// matrix is the origin's frame: roll about x, then pitch about y, then yaw about z.
func (o urdfOrigin) matrix() (mesh.Matrix, error) {
	at, err := numbers(o.XYZ, mesh.Vec3{})
	if err != nil {
		return mesh.Matrix{}, err
	}
	turn, err := numbers(o.RPY, mesh.Vec3{})
	m := mesh.Matrix{0: 1, 5: 1, 10: 1, 15: 1}
	for axis, radians := range turn {
		m = about(axis, radians).Mul(m)
	}
	copy(m[12:], at[:])
	return m, err
}

// about turns about an axis.
func about(axis int, radians float64) mesh.Matrix {
	m := mesh.Matrix{0: 1, 5: 1, 10: 1, 15: 1}
	sin, cos := math.Sincos(radians)
	i, k := (axis+1)%3, (axis+2)%3
	m[5*i], m[5*k], m[4*i+k], m[4*k+i] = cos, cos, sin, -sin
	return m
}

// upY turns what has Z up.
var upY = about(0, -math.Pi/2)

// ReadURDF reads a robot at its zero pose. Each joint that moves is a joint, the first link the root.
// A link's surface is its visual part, or its collision part where the visual one has a format that is
// not read here. Files are found by their path below root.
func ReadURDF(path, root string) (*rig.Rig, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var u urdf
	if err := xml.Unmarshal(data, &u); err != nil {
		return nil, err
	}
	b := robot{urdf: &u, root: root, rig: &rig.Rig{Mesh: &mesh.Mesh{}}, below: map[string][]urdfJoint{}}
	children := map[string]bool{}
	for _, j := range u.Joints {
		if j.Parent.Link != "" && j.Child.Link != "" { // others are of transmissions
			b.below[j.Parent.Link] = append(b.below[j.Parent.Link], j)
			children[j.Child.Link] = true
		}
	}
	for _, l := range u.Links {
		if !children[l.Name] {
			b.rig.Joints = []rig.Joint{{Name: l.Name, At: mesh.Vec3{}, Parent: rig.NoParent}}
			if err := b.link(l.Name, upY, 0, 0); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			return b.rig, b.rig.Validate()
		}
	}
	return nil, fmt.Errorf("%s: %w: no link stands above the others", path, errRobot)
}

// robot is a description on its way to a rig.
type robot struct {
	*urdf
	root  string
	rig   *rig.Rig
	below map[string][]urdfJoint
}

// deepest bounds the links above one another.
const deepest = 200

// link adds a link at a place, whose surface follows a joint, and all below.
func (b *robot) link(name string, at mesh.Matrix, joint, depth int) error {
	if depth > deepest {
		return fmt.Errorf("%w: links go round in a ring", errRobot)
	}
	for _, l := range b.Links {
		if l.Name != name {
			continue
		}
		err := b.parts(l.Visual, at, joint)
		if err != nil && len(l.Collision) > 0 {
			err = b.parts(l.Collision, at, joint)
		}
		if err != nil {
			return fmt.Errorf("link %s: %w", name, err)
		}
	}
	for _, j := range b.below[name] {
		m, err := j.Origin.matrix()
		if err != nil {
			return err
		}
		there, of := at.Mul(m), joint
		if j.Type != "fixed" {
			of = len(b.rig.Joints)
			b.rig.Joints = append(b.rig.Joints, rig.Joint{Name: j.Name, At: there.Apply(mesh.Vec3{}), Parent: joint})
		}
		if err := b.link(j.Child.Link, there, of, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// parts adds the surfaces of a link, all or none.
func (b *robot) parts(parts []urdfPart, at mesh.Matrix, joint int) error {
	var all []*mesh.Mesh
	for _, p := range parts {
		m, err := b.part(&p)
		if err != nil {
			return err
		}
		own, err := p.Origin.matrix()
		if err != nil {
			return err
		}
		all = append(all, mesh.Transformed(m, at.Mul(own)))
	}
	for _, m := range all {
		appendMesh(b.rig, m, func(int) rig.Influences { return rig.NewInfluences(rig.Influence{Joint: joint, Weight: 1}) })
	}
	return nil
}

func (b *robot) part(p *urdfPart) (*mesh.Mesh, error) {
	g := &p.Geometry
	switch {
	case g.Mesh != nil:
		scale, err := numbers(g.Mesh.Scale, mesh.Vec3{1, 1, 1})
		if err != nil {
			return nil, err
		}
		file := strings.TrimPrefix(g.Mesh.File, "package://")
		if _, below, ok := strings.Cut(file, "example-robot-data/robots/"); ok {
			file = below
		}
		m, _, err := meshfile.Read(filepath.Join(b.root, filepath.Clean("/"+file)), meshfile.Options{})
		if err != nil {
			return nil, err
		}
		return mesh.Transformed(m, mesh.Matrix{0: scale[0], 5: scale[1], 10: scale[2], 15: 1}), nil
	case g.Box != nil:
		size, err := numbers(g.Box.Size, mesh.Vec3{})
		return mesh.Box(size.Scale(-0.5), size.Scale(0.5)), err
	case g.Sphere != nil:
		r := g.Sphere.Radius
		return mesh.Transformed(mesh.UVSphere(12, 8), mesh.Matrix{0: r, 5: r, 10: r, 15: 1}), nil
	case g.Cylinder != nil:
		h := g.Cylinder.Length / 2
		r := &rig.Rig{Mesh: &mesh.Mesh{}}
		tube(r, []ring{{mesh.Vec3{0, 0, -h}, g.Cylinder.Radius, rig.Influences{}}, {mesh.Vec3{0, 0, h}, g.Cylinder.Radius, rig.Influences{}}}, 12)
		return r.Mesh, nil
	}
	return nil, fmt.Errorf("%w: a part without a shape", errRobot)
}

// appendMesh adds a mesh to a rig, with the influences of each of its vertices.
func appendMesh(r *rig.Rig, m *mesh.Mesh, of func(v int) rig.Influences) {
	first := int32(len(r.Mesh.Vertices))
	for v, p := range m.Vertices {
		r.Mesh.AddVertex(p)
		r.Weights = append(r.Weights, of(v))
	}
	var face []int32
	for f := range m.NumFaces() {
		face = face[:0]
		for _, c := range m.Face(f) {
			face = append(face, first+c)
		}
		_ = r.Mesh.AddFace(face...) // a reader's face, of vertices that are there
	}
}
