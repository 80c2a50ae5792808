package gallery

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
)

// geometryFile is a mesh for the viewer. Lists are base64 of little-endian
// numbers:
//
//	p  float32[3v]           positions
//	c  uint16[] or uint32[]  corners; four bytes each if wide
//	s  uint32[f+1]           starts
//
// A page opened from a folder cannot fetch files, but can load scripts. So the
// file is a call: mortonGeometry("key", {"source": ..., "result": ...});
type geometryFile struct {
	P    string `json:"p"`
	C    string `json:"c"`
	S    string `json:"s"`
	Wide bool   `json:"wide"`
}

// drawable reports whether the viewer can show m.
func drawable(m *Mesh) bool { return m != nil && m.NumFaces() > 0 && m.NumFaces() <= MaxFaces }

func pack(m *Mesh) *geometryFile {
	if !drawable(m) {
		return nil
	}
	g := &geometryFile{Wide: len(m.Positions)/3 > math.MaxUint16+1}
	g.P = encode32(m.Positions, math.Float32bits)
	g.S = encode32(m.Starts, func(x int32) uint32 { return uint32(x) })
	if g.Wide {
		g.C = encode32(m.Corners, func(x int32) uint32 { return uint32(x) })
		return g
	}
	data := make([]byte, 0, 2*len(m.Corners))
	for _, c := range m.Corners {
		data = binary.LittleEndian.AppendUint16(data, uint16(c))
	}
	g.C = base64.StdEncoding.EncodeToString(data)
	return g
}

func encode32[T any](list []T, bits func(T) uint32) string {
	data := make([]byte, 0, 4*len(list))
	for _, x := range list {
		data = binary.LittleEndian.AppendUint32(data, bits(x))
	}
	return base64.StdEncoding.EncodeToString(data)
}

// script returns the script of one item and its key, a hash of its content:
// equal meshes have the same name in every run. Both are empty if there is
// nothing to draw.
func script(it *Item) (key string, text []byte, err error) {
	sides := map[string]*geometryFile{}
	for side, m := range map[string]*Mesh{"source": it.SourceMesh, "result": it.ResultMesh} {
		if g := pack(m); g != nil {
			sides[side] = g
		}
	}
	if len(sides) == 0 {
		return "", nil, nil
	}
	body, err := json.Marshal(sides)
	if err != nil {
		return "", nil, err
	}
	sum := sha256.Sum256(body)
	key = hex.EncodeToString(sum[:8])
	var out bytes.Buffer
	out.WriteString(`mortonGeometry("` + key + `",`)
	out.Write(body)
	out.WriteString(");\n")
	return key, out.Bytes(), nil
}
