package furniture

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/obj"
)

// maxFileBytes bounds what is unpacked of one file; the largest OBJ is 9 MB.
const maxFileBytes = 64 << 20

// Archive is an open library.
type Archive struct {
	Library
	List []Model // sorted by name
	zip  *zip.ReadCloser
}

// Open opens the library's archive in folder and reads its catalogue.
func Open(folder string, l Library) (*Archive, error) {
	z, err := zip.OpenReader(filepath.Join(folder, l.File))
	if err != nil {
		return nil, fmt.Errorf("furniture.Open: %s: %w", l.File, err)
	}
	a := &Archive{Library: l, zip: z}
	if err := a.readList(); err != nil {
		z.Close()
		return nil, fmt.Errorf("furniture.Open: %s: %w", l.File, err)
	}
	return a, nil
}

func (a *Archive) readList() error {
	f, err := a.zip.Open("PluginFurnitureCatalog.properties")
	if err != nil {
		return err
	}
	defer f.Close()
	a.List, err = readCatalog(f, a.Prefix)
	return err
}

// Close closes the archive.
func (a *Archive) Close() error { return a.zip.Close() }

// Mesh reads a model. Faces of two corners, which 22 of the models hold and the
// OBJ reader refuses, are passed over: they have no area.
func (a *Archive) Mesh(m Model) (*mesh.Mesh, error) {
	f, err := a.zip.Open(m.Path)
	if err != nil {
		return nil, fmt.Errorf("furniture.Mesh: %w", err)
	}
	defer f.Close()
	shape, _, err := obj.Read(&areaOnly{lines: bufio.NewScanner(f)}, obj.Limits{Bytes: maxFileBytes})
	if err != nil {
		return nil, fmt.Errorf("furniture.Mesh: %s: %w", m.Path, err)
	}
	return shape, nil
}

// Image is one picture of the archive, still encoded.
type Image struct {
	Path string
	Data []byte
}

// Textures returns the JPEG and PNG files that lie beside the models, in the
// archive's order; previews, which lie one level up, are left out.
func (a *Archive) Textures() ([]Image, error) {
	var list []Image
	for _, f := range a.zip.File {
		ext := strings.ToLower(filepath.Ext(f.Name))
		if ext != ".jpg" && ext != ".jpeg" && ext != ".png" || strings.Count(f.Name, "/") < 2 {
			continue
		}
		if f.UncompressedSize64 > maxFileBytes {
			continue
		}
		b, err := readFile(f)
		if err != nil {
			return nil, fmt.Errorf("furniture.Textures: %s: %w", f.Name, err)
		}
		list = append(list, Image{f.Name, b})
	}
	return list, nil
}

func readFile(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxFileBytes))
}
