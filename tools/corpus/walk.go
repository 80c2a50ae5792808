package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/tools/corpus/furniture"
)

// modelFunc is called with each model and whether it is held out.
type modelFunc func(l furniture.Library, m furniture.Model, heldOut bool, shape *mesh.Mesh) error

// eachModel reads all models of all libraries in a fixed order: those that are
// held out first, so that a part that two models share is seen in the held-out
// one first and kept from training. A model whose file is broken is passed
// over, with a line on out.
func eachModel(ctx context.Context, folder string, out io.Writer, do modelFunc) error {
	for _, heldOut := range []bool{true, false} {
		for _, l := range furniture.Libraries {
			a, err := furniture.Open(folder, l)
			if err != nil {
				return err
			}
			err = eachOf(ctx, a, heldOut, out, do)
			a.Close()
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func eachOf(ctx context.Context, a *furniture.Archive, heldOut bool, out io.Writer, do modelFunc) error {
	for _, m := range a.List {
		if furniture.HeldOut(m.Name) != heldOut {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		shape, err := a.Mesh(m)
		if broken(err) {
			fmt.Fprintf(out, "passed over: %v\n", err)
			continue
		}
		if err != nil {
			return err
		}
		if err := do(a.Library, m, heldOut, shape); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return nil
}

// broken says whether err is about the file's content, not about reading it.
func broken(err error) bool {
	for _, kind := range []error{mesh.ErrEmpty, mesh.ErrFace, mesh.ErrNotFinite, obj.ErrSyntax, obj.ErrLimit} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// furnitureFolder is where Debian's package puts the libraries.
const furnitureFolder = "/usr/share/sweethome3d/furniture"
