package armature

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/rig"
)

// errSkin reports a file that is no skin.
var errSkin = errors.New("no skin")

// mostSkin bounds the counts of a skin.
const mostSkin = 1 << 22

// ReadSkin reads a skin of MuJoCo's and the tree of its bones from the bodies of a model. A bone
// whose body is below no other bone hangs on the first.
//
// Source: MuJoCo's XML reference, "skin": four counts; positions, texture coordinates and triangles;
// and for each bone a name of 40 bytes, a place, a quaternion, and the vertices with their weights.
func ReadSkin(skin, model string) (*rig.Rig, error) {
	data, err := os.ReadFile(skin)
	if err != nil {
		return nil, err
	}
	parents, err := bodies(model)
	if err != nil {
		return nil, err
	}
	r, names, err := decodeSkin(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", skin, err)
	}
	return hang(r, names, parents)
}

// bone is a bone's record, without its vertices.
type bone struct {
	Name  [40]byte
	At    [3]float32
	_     [4]float32
	Count int32
}

// decodeSkin reads the surface, and the bones without parents.
func decodeSkin(data []byte) (*rig.Rig, []string, error) {
	in := bytes.NewReader(data)
	read := func(to any) error {
		if err := binary.Read(in, binary.LittleEndian, to); err != nil {
			return fmt.Errorf("%w: it ends early: %w", errSkin, err)
		}
		return nil
	}
	var count struct{ Vertices, Texture, Faces, Bones int32 }
	if err := read(&count); err != nil {
		return nil, nil, err
	}
	for _, n := range []int32{count.Vertices, count.Texture, count.Faces, count.Bones} {
		if n < 0 || n > mostSkin || int64(n) > int64(len(data)) {
			return nil, nil, fmt.Errorf("%w: counts %+v", errSkin, count)
		}
	}
	points, faces := make([][3]float32, count.Vertices), make([][3]int32, count.Faces)
	if err := errors.Join(read(points), skip(in, 8*int64(count.Texture)), read(faces)); err != nil {
		return nil, nil, err
	}
	r := &rig.Rig{Mesh: &mesh.Mesh{}, Weights: make([]rig.Influences, count.Vertices)}
	for _, p := range points {
		r.Mesh.AddVertex(upY.Apply(vec(p)))
	}
	for _, f := range faces {
		if err := r.Mesh.AddFace(f[:]...); err != nil {
			return nil, nil, fmt.Errorf("%w: %w", errSkin, err)
		}
	}
	all, names := make([][]rig.Influence, count.Vertices), []string(nil)
	for i := range int(count.Bones) {
		var b bone
		if err := read(&b); err != nil {
			return nil, nil, err
		}
		if b.Count < 0 || b.Count > count.Vertices {
			return nil, nil, fmt.Errorf("%w: bone %d moves %d vertices of %d", errSkin, i, b.Count, count.Vertices)
		}
		which, weights := make([]int32, b.Count), make([]float32, b.Count)
		if err := errors.Join(read(which), read(weights)); err != nil {
			return nil, nil, err
		}
		for k, v := range which {
			if v < 0 || v >= count.Vertices {
				return nil, nil, fmt.Errorf("%w: bone %d moves vertex %d of %d", errSkin, i, v, count.Vertices)
			}
			all[v] = append(all[v], rig.Influence{Joint: i, Weight: float64(weights[k])})
		}
		names = append(names, string(bytes.TrimRight(b.Name[:], "\x00")))
		r.Joints = append(r.Joints, rig.Joint{Name: names[i], At: upY.Apply(vec(b.At))})
	}
	for v := range all {
		r.Weights[v] = rig.NewInfluences(all[v]...)
	}
	return r, names, nil
}

func vec(p [3]float32) mesh.Vec3 { return mesh.Vec3{float64(p[0]), float64(p[1]), float64(p[2])} }

func skip(in *bytes.Reader, n int64) error {
	_, err := io.CopyN(io.Discard, in, n)
	return err
}

// bodies returns the parent of each named body of a model.
func bodies(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d, parents := xml.NewDecoder(f), map[string]string{}
	var above []string
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return parents, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if t.Name.Local != "body" {
				continue
			}
			name := ""
			for _, a := range t.Attr {
				if a.Name.Local == "name" {
					name = a.Value
				}
			}
			if len(above) > 0 {
				parents[name] = above[len(above)-1]
			}
			above = append(above, name)
		case xml.EndElement:
			if t.Name.Local == "body" {
				above = above[:len(above)-1]
			}
		}
	}
}

// hang gives bones their parents, and brings parents in front of their children.
func hang(r *rig.Rig, names []string, parents map[string]string) (*rig.Rig, error) {
	number := map[string]int{}
	for i, n := range names {
		number[n] = i
	}
	below := make([][]int, len(names))
	var roots []int
	for i, n := range names {
		p, ok := parents[n]
		for ; ok; p, ok = parents[p] {
			if k, is := number[p]; is {
				below[k] = append(below[k], i)
				break
			}
		}
		if !ok {
			roots = append(roots, i)
		}
	}
	if len(roots) == 0 {
		return nil, fmt.Errorf("%w: no bone stands above the others", errSkin)
	}
	out, to := &rig.Rig{Mesh: r.Mesh}, make([]int, len(names))
	var add func(i, parent int)
	add = func(i, parent int) {
		to[i] = len(out.Joints)
		out.Joints = append(out.Joints, rig.Joint{Name: names[i], At: r.Joints[i].At, Parent: parent})
		for _, k := range below[i] {
			add(k, to[i])
		}
	}
	add(roots[0], rig.NoParent)
	for _, i := range roots[1:] {
		add(i, 0)
	}
	for _, w := range r.Weights {
		for i := range w {
			w[i].Joint = to[w[i].Joint]
		}
		out.Weights = append(out.Weights, rig.NewInfluences(w[:]...))
	}
	return out, out.Validate()
}
