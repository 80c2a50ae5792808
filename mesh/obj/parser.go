package obj

import (
	"bytes"
	"fmt"
	"math"
	"strconv"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/limit"
)

// parser holds what was parsed so far.
type parser struct {
	limits Limits
	mesh   *mesh.Mesh
	info   Info

	objects, groups, materials run
	names                      int

	nonFinite      []int32 // vertices, ascending
	nonFiniteLines []int   // line of each

	face        []int32 // scratch
	highest     int32   // highest vertex index used
	highestLine int     // its line
}

// statement parses one logical line.
func (p *parser) statement(line []byte, number int) error {
	if bytes.IndexByte(line, 0) >= 0 {
		return fmt.Errorf("%w: a zero byte", ErrSyntax)
	}
	keyword, rest := cutField(line)
	switch string(keyword) {
	case "v":
		return p.vertex(rest, number)
	case "f":
		return p.addFace(rest, number)
	case "l", "p":
		p.info.SkippedElements++
	case "o":
		return p.begin(&p.objects, rest)
	case "g":
		return p.begin(&p.groups, rest)
	case "usemtl":
		return p.begin(&p.materials, rest)
	case "mtllib":
		p.info.Libraries = append(p.info.Libraries, string(bytes.TrimSpace(rest)))
		return p.countName()
	}
	return nil
}

// begin starts a part at the next face.
func (p *parser) begin(r *run, name []byte) error {
	r.begin(string(bytes.TrimSpace(name)), p.mesh.NumFaces())
	return p.countName()
}

func (p *parser) countName() error {
	if p.names++; p.names > p.limits.Names {
		return limit.Over(limit.Names, int64(p.limits.Names))
	}
	return nil
}

// vertex parses "x y z …".
func (p *parser) vertex(rest []byte, number int) error {
	if len(p.mesh.Vertices) == p.limits.Vertices {
		return limit.Over(limit.Vertices, int64(p.limits.Vertices))
	}
	finite := true
	var v mesh.Vec3
	for i := range v {
		var field []byte
		field, rest = cutField(rest)
		if len(field) == 0 {
			return fmt.Errorf("%w: a vertex with %d coordinates, 3 needed", ErrSyntax, i)
		}
		x, err := strconv.ParseFloat(string(field), 64)
		bad := math.IsNaN(x) || math.IsInf(x, 0) // overflow gives infinity and an error
		if err != nil && !bad {
			return fmt.Errorf("%w: coordinate %q", ErrSyntax, clip(field))
		}
		v[i], finite = x, finite && !bad
	}
	at := p.mesh.AddVertex(v)
	if !finite {
		p.nonFinite = append(p.nonFinite, at)
		p.nonFiniteLines = append(p.nonFiniteLines, number)
	}
	return nil
}

// addFace parses the corners of a face.
func (p *parser) addFace(rest []byte, number int) error {
	p.face = p.face[:0]
	given := 0
	for {
		var field []byte
		if field, rest = cutField(rest); len(field) == 0 {
			break
		}
		if given++; given > p.limits.FaceCorners {
			return limit.Over(limit.FaceCorners, int64(p.limits.FaceCorners))
		}
		v, err := p.corner(field)
		if err != nil {
			return err
		}
		if v > p.highest || p.highestLine == 0 {
			p.highest, p.highestLine = v, number
		}
		if n := len(p.face); n == 0 || p.face[n-1] != v {
			p.face = append(p.face, v)
		}
	}
	p.info.Faces++
	return p.keepFace(given)
}

// keepFace adds the face in scratch to the mesh if it has three corners or
// more.
func (p *parser) keepFace(given int) error {
	if n := len(p.face); n > 1 && p.face[0] == p.face[n-1] {
		p.face = p.face[:n-1]
	}
	p.info.DroppedCorners += given - len(p.face)
	if len(p.face) < 3 {
		p.info.DroppedFaces++
		return nil
	}
	m := p.mesh
	if m.NumFaces() == p.limits.Faces {
		return limit.Over(limit.Faces, int64(p.limits.Faces))
	}
	if len(m.Corners)+len(p.face) > p.limits.Corners {
		return limit.Over(limit.Corners, int64(p.limits.Corners))
	}
	if len(m.Starts) == 0 {
		m.Starts = append(m.Starts, 0)
	}
	m.Corners = append(m.Corners, p.face...)
	m.Starts = append(m.Starts, int32(len(m.Corners)))
	return nil
}

// corner returns the vertex, from 0, of a corner v, v/vt, v//vn or v/vt/vn. The
// last part may be empty (v/vt/, v//). A negative index counts back from the
// last vertex so far.
func (p *parser) corner(field []byte) (int32, error) {
	whole := field
	var parts [3]int
	for i := range parts {
		digits, rest, more := bytes.Cut(field, []byte{'/'})
		if len(digits) > 0 || i == 0 {
			n, err := strconv.Atoi(string(digits))
			if err != nil {
				return 0, fmt.Errorf("%w: corner %q", ErrSyntax, clip(whole))
			}
			parts[i] = n
		}
		if !more {
			break
		}
		if i == 2 {
			return 0, fmt.Errorf("%w: corner %q", ErrSyntax, clip(whole))
		}
		field = rest
	}
	v := parts[0] - 1
	if parts[0] < 0 {
		v = len(p.mesh.Vertices) + parts[0]
	}
	if v < 0 || v >= p.limits.Vertices {
		return 0, fmt.Errorf("%w: vertex %d with %d so far", mesh.ErrFace, parts[0], len(p.mesh.Vertices))
	}
	return int32(v), nil
}

// finish checks what needs the whole file.
func (p *parser) finish() (*mesh.Mesh, Info, error) {
	n := p.mesh.NumFaces()
	if p.highestLine > 0 && int(p.highest) >= len(p.mesh.Vertices) {
		return nil, Info{}, fmt.Errorf("obj.Read: line %d: %w: vertex %d of %d", p.highestLine, mesh.ErrFace, p.highest+1, len(p.mesh.Vertices))
	}
	p.info.Vertices = len(p.mesh.Vertices)
	if n == 0 {
		return nil, Info{}, fmt.Errorf("obj.Read: %w: %s", mesh.ErrEmpty, p.emptiness())
	}
	if err := p.dropNonFinite(); err != nil {
		return nil, Info{}, err
	}
	for _, r := range []*run{&p.objects, &p.groups, &p.materials} {
		r.end(n)
	}
	p.info.Objects, p.info.Groups, p.info.Materials = p.objects.parts, p.groups.parts, p.materials.parts
	return p.mesh, p.info, nil
}

// emptiness describes the contents of a file without faces.
func (p *parser) emptiness() string {
	if p.info.Faces > 0 {
		return fmt.Sprintf("none of %d faces has three different corners", p.info.Faces)
	}
	return fmt.Sprintf("%d vertices in %d lines", p.info.Vertices, p.info.Lines)
}

// cutField returns the first field of line and the rest. A # ends the line,
// even inside a field.
func cutField(line []byte) (field, rest []byte) {
	start := 0
	for start < len(line) && isSpace(line[start]) {
		start++
	}
	if start == len(line) || line[start] == '#' {
		return nil, nil
	}
	end := start
	for end < len(line) && !isSpace(line[end]) && line[end] != '#' {
		end++
	}
	return line[start:end], line[end:]
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' }

// clip shortens a field for a message.
func clip(field []byte) []byte { return field[:min(len(field), 40)] }
