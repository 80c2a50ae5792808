// Command sources reads the videos, pictures and textures of the video corpus from files
// that Debian's packages hold, and packs them into one file for "corpus video". It needs
// FFmpeg, which making clips and training on them does not.
//
//	go run ./tools/sources --root / --out corpus/sources.zip
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/morton-gen/morton/tools/corpus/pack"
)

// least is how many pixels wide and high a source is at least.
const least = 64

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "sources:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	root := flag.String("root", "/", "`folder` that the Debian packages are unpacked in")
	out := flag.String("out", "corpus/sources.zip", "`file` to write")
	flag.Parse()
	list, err := loadSources(ctx, *root, filepath.Join(*root, "usr/share/sweethome3d/furniture"), least)
	if err != nil {
		return err
	}
	frames := 0
	for _, s := range list {
		frames += s.Clip.T
	}
	fmt.Printf("%d sources, %d frames\n", len(list), frames)
	return pack.Write(*out, list)
}
