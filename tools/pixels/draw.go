package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// drawing says how pictures are drawn.
type drawing struct {
	model, real, sheet, book, scales, draft, relax string
	count, sets, ahead, slots                      int
	temperature                                    float64

	// What tokens are, at most one of them: codes of a book, or of a quantizer of scales.
	codes    codebook
	residual *residual
}

// drawPictures draws with several settings, and prints a line for each.
func drawPictures(args []string) error {
	f := flag.NewFlagSet("draw", flag.ContinueOnError)
	var d drawing
	f.StringVar(&d.model, "model", "", "model `DIR`")
	f.StringVar(&d.real, "real", "", "shard `FILE` of real pictures")
	f.StringVar(&d.sheet, "out", "", "PNG `FILE` of the first 32 of the last setting; those of real pictures lie beside it")
	f.IntVar(&d.count, "count", 256, "pictures")
	f.IntVar(&d.slots, "slots", 16, "pictures drawn at once")
	f.IntVar(&d.sets, "sets", 16, "sets of a picture")
	inner := f.String("inner", "0,0", "passes of the first and of the last set; several, between semicolons; 0,0 is the model's own")
	f.Float64Var(&d.temperature, "temperature", 1, "of noise")
	f.StringVar(&d.book, "codebook", "", "code book `FILE`, of a model of codes")
	f.StringVar(&d.draft, "draft", "", "model `DIR` that drafts for it")
	f.StringVar(&d.scales, "tokenizer", "", "folder `DIR` of a quantizer, of a model of scales")
	f.IntVar(&d.ahead, "ahead", 0, "check so many drafted tokens at once, or sets of real numbers; without a draft the model guesses tokens itself, and predicts so many sets as one")
	f.StringVar(&d.relax, "relax", "", "`K,DELTA` of a relaxed check, or a temperature, of a model of real numbers")
	if err := f.Parse(args); err != nil {
		return err
	}
	return d.run(strings.Split(*inner, ";"))
}

func (d *drawing) run(inner []string) error {
	dev, err := gpu.Open(gpu.Options{})
	if err != nil {
		return err
	}
	defer dev.Close()
	if err := d.readBook(dev); err != nil {
		return err
	}
	some, err := d.pictures()
	if err != nil {
		return err
	}
	if d.sheet != "" {
		if err := writePNG(strings.TrimSuffix(d.sheet, ".png")+"-real.png", contact(some[0])); err != nil {
			return err
		}
	}
	fmt.Printf("real against real pictures: energy distance %.3f\n", distance(some[0], some[1]))
	e, s, draft, err := d.open(dev)
	if err != nil {
		return err
	}
	defer e.Close()
	for _, passes := range inner {
		if err := d.measure(e, s, draft, passes, some[1]); err != nil {
			return err
		}
	}
	return nil
}

// readBook reads what tokens are codes of, if they are.
func (d *drawing) readBook(dev *gpu.Device) (err error) {
	switch {
	case d.scales != "":
		d.residual, err = openResidual(dev, d.scales)
	case d.book != "":
		d.codes, err = readCodes(d.book)
	}
	return err
}

// pictures returns two sets of real pictures.
func (d *drawing) pictures() (some [2][][]float32, err error) {
	tokens, err := read(d.real, 2*d.count)
	if err != nil {
		return some, err
	}
	all, err := d.numbers(tokens)
	frames := len(all) / max(len(tokens), 1)
	for i, x := range all {
		some[i/max(frames, 1)%2] = append(some[i/max(frames, 1)%2], x)
	}
	return some, err
}

// numbers returns the numbers of pictures, or of the frames of clips, from their tokens.
func (d *drawing) numbers(tokens [][]int64) (out [][]float32, err error) {
	switch {
	case d.residual != nil:
		return d.residual.decodeAll(tokens)
	case d.codes != nil:
		return d.codes.decodeAll(tokens)
	}
	for _, list := range tokens {
		for frame := range slices.Chunk(list, cells*numbers) { // of a clip
			var x []float32
			for _, t := range frame {
				x = append(x, math.Float32frombits(uint32(t)))
			}
			out = append(out, x)
		}
	}
	return out, nil
}

// open opens the engine, with its draft.
func (d *drawing) open(dev *gpu.Device) (e *engine.Engine, s, draft *system.System, err error) {
	p, err := models.OpenPublished(d.model)
	if err != nil {
		return nil, nil, nil, err
	}
	defer p.Close()
	o := engine.Options{Slots: d.slots, Precision: nn.F32}
	if d.ahead > 0 && (d.codes != nil || d.draft != "") {
		o.Draft = &engine.Draft{Ahead: d.ahead}
	}
	if d.draft != "" {
		q, err := models.OpenPublished(d.draft)
		if err != nil {
			return nil, nil, nil, err
		}
		defer q.Close()
		o.Draft.System, o.Draft.Weights, draft = q.System, q.Weights(), q.System
	}
	if d.relax != "" {
		if o.Draft.Relax, err = d.relaxation(); err != nil {
			return nil, nil, nil, err
		}
	}
	e, err = engine.New(dev, p.System, p.Weights(), o)
	return e, p.System, cmp.Or(draft, p.System), err
}

// relaxation reads how a check is relaxed.
func (d *drawing) relaxation() (*engine.Relax, error) {
	k, delta, both := strings.Cut(d.relax, ",")
	if !both {
		t, err := strconv.ParseFloat(k, 64)
		return &engine.Relax{Temperature: t}, err
	}
	near, err := strconv.Atoi(k)
	if err != nil {
		return nil, err
	}
	x, err := strconv.ParseFloat(delta, 64)
	return &engine.Relax{Near: d.codes.near(near), Delta: x}, err
}

// measure draws pictures in one setting, and prints what they cost and how far they are from
// real ones.
func (d *drawing) measure(e *engine.Engine, s, draft *system.System, passes string, real [][]float32) error {
	var q system.Prompt
	first, last, _ := strings.Cut(passes, ",")
	q.Inner[0], _ = strconv.Atoi(first)
	q.Inner[1], _ = strconv.Atoi(last)
	if d.codes == nil && d.residual == nil {
		q.Steps, q.Ahead = d.sets, d.ahead
	}
	if _, err := drawAll(e, s, draft, q, min(d.slots, d.count), float32(d.temperature)); err != nil { // programs are recorded
		return err
	}
	before, begin, used := e.Stats(), time.Now(), processor()
	drawn, err := drawAll(e, s, draft, q, d.count, float32(d.temperature))
	if err != nil {
		return err
	}
	wall, cpu, after := time.Since(begin), processor()-used, e.Stats()
	var tokens [][]int64
	steps := 0.0
	for _, r := range drawn {
		steps += float64(r.Steps) / float64(d.count)
		list := make([]int64, len(r.Tokens))
		for i, t := range r.Tokens {
			list[i] = int64(t)
		}
		tokens = append(tokens, list)
	}
	all, err := d.numbers(tokens)
	if err != nil {
		return err
	}
	checked, kept := float64(after.Checked-before.Checked)/float64(d.count), float64(after.Kept-before.Kept)/float64(d.count)
	if d.codes != nil {
		steps += checked - kept // a check draws several tokens
	}
	if d.codes != nil && d.draft == "" {
		steps += checked // and comes behind a guess
	}
	fmt.Printf("%s sets=%d passes=%s draft=%q ahead=%d relax=%q: %.1f steps of a picture (%.1f checks keep %.1f tokens), %.2f s and %.2f s of processors for %d pictures, energy distance %.3f\n",
		s.Name, q.Steps, passes, d.draft, d.ahead, d.relax, steps, checked, kept, wall.Seconds(), cpu.Seconds(), d.count, distance(all, real))
	if d.sheet != "" {
		return writePNG(d.sheet, contact(all))
	}
	return nil
}

// processor is the time that the process has spent on processors.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(errors.Join(errors.New("pixels: the processor's time"), err))
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
