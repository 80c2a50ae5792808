package systems

import (
	"errors"
	"fmt"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/cube"
)

func init() {
	registerOwn(system.Published{
		Name: "cube", Title: "Morton's cubes of a video", Paper: "2509.24081", Papers: []string{"2406.07548"}, Kind: system.Video, Samples: shard.KindCube,
	}, func(s *Sections) own {
		if s.Cube == nil {
			return nil
		}
		return cubes{*s.Cube}
	})
}

// cubes is the video system. Its parts:
//
//	token     a binary code of a spatiotemporal cell
//	schedule  cube by cube, in raster order over time, rows and columns, set by set in a cube
//	input     the codes of the cell before in time, of those around it if the model says so,
//	          and of those left of and above the cube, or next to the cell if there are sets
//	trunk     the decoder
//	head      independent bits
//	sampling  temperature
//
// Source: cubes in raster order follow VideoAR, arXiv:2509.24081; codes follow Zhao, Xiong
// and Krähenbühl, arXiv:2406.07548; the networks are ours.
type cubes struct{ cube.Config }

func (c cubes) order() order.Cubes { return order.Cubes{Groups: c.Groups(), Around: c.Around} }

func (c cubes) network(n Decoder) Decoder {
	n.Static, n.StaticRows, n.Fed, n.Sub, n.Vocab = order.CubeFixed, c.order().Ids(), c.order().Fed(), 0, 0
	n.Bits, n.Group, n.Faces = c.Tokenizer.Bits, c.order().Together(), FaceRules{}
	if c.Canvas {
		n.Static, n.StaticRows, n.Features = 1, 1, c.GuessWidth()+c.order().Ids()
	}
	n.RopePairs = n.threeAxes()
	return n
}

func (c cubes) parts(s *system.System, _ Decoder) {
	s.Layout.Unit, s.Layout.Group = c.order().Size.T*c.order().H*c.order().W, c.order().Size.Volume()
	var canvas interface {
		Guesser() func(codes []uint32) []float32
	}
	s.Flatten, s.Format = c.Lay, c.Config.Format()
	s.Schedule = func(p system.Prompt) (system.Schedule, error) {
		frames := (p.Frames + c.FramesPerCube() - 1) / c.FramesPerCube() * c.Group[0] // of cells
		if !c.Canvas {
			return c.order().Schedule(frames, len(p.Given)/s.Token.Words())
		}
		if canvas == nil {
			return nil, fmt.Errorf("systems: %w: the canvas is not loaded", nn.ErrWeights)
		}
		return c.order().Guessed(frames, p.Given, s.Token.Words(), c.GuessWidth(), canvas.Guesser())
	}
	if c.Canvas {
		s.Text, s.Layout.FeatureRows = -1, c.order().H*c.order().W // a run is a frame of cells; its features are no text
		s.Prepare = func(files system.Files) error {
			if c.Tokenizer.Motion != nil { // the tokenizer predicts frames itself
				w, err := files("tokenizer.safetensors")
				if err != nil {
					return err
				}
				canvas, err = cube.LoadPredictive(c.Config, w)
				return errors.Join(err, w.Close())
			}
			w, err := files("canvas.safetensors")
			if err != nil {
				return err
			}
			canvas, err = cube.LoadCanvas(c.Config, w)
			return errors.Join(err, w.Close())
		}
	}
	s.Tokenizer = func(dev *gpu.Device, files system.Files) (system.Tokenizer, error) {
		w, err := files("tokenizer.safetensors")
		if err != nil {
			return nil, err
		}
		defer w.Close()
		return cube.NewCoder(dev, c.Config, w)
	}
}
