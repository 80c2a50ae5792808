package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/clip/measure"
	"github.com/morton-gen/morton/codecs/clip/motion"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/codecs/video/isolated"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/transforms/family"
)

// videoEvaluation are the flags of evaluate video.
type videoEvaluation struct {
	flags *pflag.FlagSet
	deviceFlags

	model          string
	prefix, frames int
	clips          int // of a file with many
	seed           uint64
	seeds          int // continuations per clip
	media          video.Limits
	drift          int // frames of a long continuation; 0 for none
	temperature    float64
	out            string
	json           bool
}

func evaluateVideoCommand(t terminal) *cobra.Command {
	c := newCommand("video FILE...", "evaluate_video")
	g := &videoEvaluation{flags: newFlags("evaluate")}
	f := g.flags
	f.StringVar(&g.model, "model", "", "the model folder `DIR`; without it the shipped model")
	f.IntVar(&g.prefix, "prefix", 16, "frames given of each clip, at the model's rate")
	f.IntVar(&g.frames, "frames", 16, "frames to generate after them, at most what the file has")
	f.IntVar(&g.clips, "clips", 0, "number of clips to take, evenly spread, from a file with many; 0 is all")
	f.Uint64Var(&g.seed, "seed", 1, "random seed; results depend on it and on the clip's name")
	f.IntVar(&g.seeds, "seeds", 1, "continuations of each clip, with seeds from --seed on; the first is measured, and how much they differ")
	f.IntVar(&g.drift, "drift", 0, "also continue each clip by this many frames, and measure the drift of brightness, contrast, sharpness and motion")
	addTemperature(f, &g.temperature)
	f.StringVar(&g.out, "out", "", "write a page with film strips to the folder `DIR`")
	addMediaLimit(f, &g.media)
	g.deviceFlags.add(f)
	f.BoolVar(&g.json, "json", false, "print the figures as JSON")
	c.Flags().AddFlagSet(f)
	completeFolders(f, "model", "out")
	completeDevice(c)
	c.RunE = func(c *cobra.Command, files []string) error { return g.run(c.Context(), t, files) }
	return c
}

func (g *videoEvaluation) run(ctx context.Context, t terminal, files []string) error {
	if len(files) == 0 || g.prefix < 2 || g.frames < 1 || g.clips < 0 || g.seeds < 1 || g.drift < 0 {
		return usagef("evaluate", "evaluate video: files, --prefix of at least 2, --frames and --seeds of at least 1")
	}
	dev, err := family.OpenDevice(g.deviceFlags.options())
	if err != nil {
		return err
	}
	defer dev.Close()
	m, err := models.Open(dev, system.Video, g.model, models.Options{})
	if err != nil {
		return err
	}
	defer m.Close()
	fmt.Fprintf(t.err, "%s on %s\n", m.Name(), dev.Info().Name)
	tests, err := g.read(ctx, files, m.System().Format)
	if err != nil {
		return err
	}
	all, each := errgroup.WithContext(ctx)
	all.SetLimit(engine.DefaultSlots)
	for i := range tests {
		all.Go(func() error { return g.continueClip(each, m, &tests[i]) })
	}
	if err := all.Wait(); err != nil {
		return err
	}
	e := videoScores{Model: m.Name(), Clips: len(tests), Rate: m.System().Format.Rate.Hz()}
	e.sum(tests)
	if e.Drift, err = g.measureDrift(ctx, m, tests); err != nil {
		return err
	}
	if g.out != "" {
		if err := e.writePage(g.out, tests); err != nil {
			return err
		}
	}
	if g.json {
		return printJSON(t, e)
	}
	return e.print(t.out, g.out)
}

// continuation is the test of one clip.
type continuation struct {
	name  string
	given *clip.Clip
	truth *clip.Clip
	// by has the predictions in the order of predictors.
	by [len(predictors)]*clip.Clip
	// others are the model's predictions with other seeds.
	others []*clip.Clip
	long   *clip.Clip // a long continuation of the first clip
}

// predictors are compared. The tokenizer encodes the true frames, so it bounds every
// model that uses it.
var predictors = [5]string{"model", "frozen", "motion", "moved", "tokenizer"}

// read reads the clips of all files.
func (g *videoEvaluation) read(ctx context.Context, files []string, f system.Format) (tests []continuation, err error) {
	add := func(name string, c *clip.Clip) error {
		if c.T <= g.prefix {
			return usagef("evaluate", "evaluate video: %s has %d frames, --prefix asks for %d and more", name, c.T, g.prefix)
		}
		x := continuation{name: name}
		if x.given, err = c.Slice(0, g.prefix); err == nil {
			x.truth, err = c.Slice(g.prefix, min(c.T, g.prefix+g.frames))
		}
		tests = append(tests, x)
		return err
	}
	for _, path := range files {
		if filepath.Ext(path) == ".safetensors" {
			err = g.readMany(path, f, add)
		} else {
			var c *clip.Clip
			o := video.Options{Rate: f.Rate, W: f.W, H: f.H, Fit: video.Crop, MaxFrames: g.prefix + g.frames, Limits: g.media}
			if c, _, err = (isolated.Decoder{}).ReadClip(ctx, path, o); err == nil {
				err = add(filepath.Base(path), c)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return tests, nil
}

// readMany reads the tensor "clips" of a file, u8 [n, t, h, w, 3].
func (g *videoEvaluation) readMany(path string, f system.Format, add func(string, *clip.Clip) error) error {
	file, err := safetensors.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	t, err := file.Tensor("clips")
	if err != nil {
		return err
	}
	if t.DType != safetensors.U8 || len(t.Shape) != 5 || t.Shape[2] != f.H || t.Shape[3] != f.W || t.Shape[4] != 3 {
		return usagef("evaluate", "evaluate video: %s: clips are %v %v, the model takes u8 [n, t, %d, %d, 3]", path, t.DType, t.Shape, f.H, f.W)
	}
	n, size := t.Shape[0], len(t.Data)/t.Shape[0]
	count := n
	if g.clips > 0 {
		count = min(n, g.clips)
	}
	for k := range count {
		i := k * n / count
		c := &clip.Clip{T: t.Shape[1], H: t.Shape[2], W: t.Shape[3], Rate: f.Rate, Pix: slices.Clone(t.Data[i*size : (i+1)*size])}
		if err := add(fmt.Sprintf("clip %d", i), c); err != nil {
			return err
		}
	}
	return nil
}

// continueClip makes the predictions for one clip.
func (g *videoEvaluation) continueClip(ctx context.Context, m *models.Model, x *continuation) error {
	n := x.truth.T
	draw := func(seed uint64) (*clip.Clip, error) {
		made, err := m.Generate(ctx, g.request(m, x, seed))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", x.name, err)
		}
		c := made.Media.Clip
		return c.Slice(c.T-n, c.T)
	}
	var err error
	if x.by[0], err = draw(g.seed); err != nil {
		return err
	}
	for i := 1; i < g.seeds; i++ {
		c, err := draw(g.seed + uint64(i))
		if err != nil {
			return err
		}
		x.others = append(x.others, c)
	}
	x.by[1], x.by[2], x.by[3] = measure.Freeze(x.given, n), measure.Extrapolate(x.given, n), motion.Follow(x.given, n, 4)
	whole := clip.New(g.prefix+n, x.given.H, x.given.W, x.given.Rate)
	copy(whole.Pix, x.given.Pix)
	copy(whole.Pix[len(x.given.Pix):], x.truth.Pix)
	s, _, err := m.Encode(x.name, system.Media{Clip: whole}, system.Extent{})
	if err != nil {
		return err
	}
	kept, _, err := m.Decode(s)
	if err != nil {
		return err
	}
	x.by[4], err = kept.Clip.Slice(g.prefix, g.prefix+n)
	return err
}

// request returns the request for a continuation.
func (g *videoEvaluation) request(m *models.Model, x *continuation, seed uint64) models.Request {
	return models.Request{
		ID: x.name, Seed: seed, Source: system.Media{Clip: x.given}, Extent: system.Extent{Prefix: g.prefix, Frames: x.truth.T}, Sampling: sampledAt(m, g.temperature),
	}
}

func addTemperature(f *pflag.FlagSet, to *float64) {
	f.Float64Var(to, "temperature", -1, "sampling temperature; below 0 is the model's own")
}

// sampledAt returns how to sample at a temperature, and else as the model does; nil for its
// own temperature.
func sampledAt(m *models.Model, temperature float64) *models.Sampling {
	if temperature < 0 {
		return nil
	}
	s := m.System().Default
	return &models.Sampling{Temperature: temperature, TopK: s.TopK, TopP: s.TopP}
}

type videoScores struct {
	Model    string         `json:"model"`
	Clips    int            `json:"clips"`
	Rate     float64        `json:"rate"`
	Horizons []horizonScore `json:"horizons"`
	Drift    []driftPoint   `json:"drift,omitempty"`
}

// horizonScore measures one frame of all continuations that reach it.
type horizonScore struct {
	Frame   int                `json:"frame"` // 1 is the first predicted frame
	Seconds float64            `json:"seconds"`
	Clips   int                `json:"clips"`
	By      map[string]*scores `json:"by"`
	// Frozen, Motion and Moved are how much lower the model's error of moving pixels is than
	// the baseline's, in dB, with 95% intervals over 1,000 bootstrap samples of the
	// clips.
	Frozen interval `json:"over_frozen_db"`
	Motion interval `json:"over_motion_db"`
	Moved  interval `json:"over_moved_db"`
	// Diversity is the mean absolute difference between continuations with different
	// seeds, 0 to 255; 0 for one seed.
	Diversity float64 `json:"diversity"`
}

type interval struct {
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// scores are means over clips: PSNR in dB, SSIM, PSNR of moving pixels over the clips
// that have any, and sharpness and blockiness relative to the truth. Frechet is over all
// clips, of the features "appearance-8" of package measure.
type scores struct {
	PSNR       float64 `json:"psnr_db"`
	SSIM       float64 `json:"ssim"`
	Moving     float64 `json:"moving_psnr_db"`
	Sharpness  float64 `json:"sharpness"`
	Blockiness float64 `json:"blockiness"`
	EndPoint   float64 `json:"end_point_pixels"` // see measure.EndPoint
	Frechet    float64 `json:"frechet_appearance_8"`
}

// horizons returns the frames to measure: the first, those nearest to a quarter of a
// second, half a second, 1 and so on, and the last.
func horizons(n int, rate float64) []int {
	out := []int{1}
	for s := 0.25; int(s*rate+0.5) < n; s *= 2 {
		out = append(out, max(int(s*rate+0.5), 1))
	}
	return slices.Compact(append(out, n))
}

func (e *videoScores) sum(tests []continuation) {
	most := 0
	for _, x := range tests {
		most = max(most, x.truth.T)
	}
	for _, k := range horizons(most, e.Rate) {
		h := horizonOf(tests, k)
		h.Seconds = float64(k) / e.Rate
		e.Horizons = append(e.Horizons, h)
	}
}

// cell is the side of the squares whose borders blockiness measures.
const cell = 8

func horizonOf(tests []continuation, k int) horizonScore {
	h := horizonScore{Frame: k, By: map[string]*scores{}}
	var moving, ends [len(predictors)][]float64
	var seen [len(predictors) + 1][][measure.Appearance]float64 // the truth's last
	for _, name := range predictors {
		h.By[name] = &scores{}
	}
	for _, x := range tests {
		if x.truth.T < k {
			continue
		}
		h.Clips++
		w, hh, last, truth := x.truth.W, x.truth.H, x.given.Frame(x.given.T-1), x.truth.Frame(k-1)
		seen[len(predictors)] = append(seen[len(predictors)], measure.Features(x.whole(x.truth), x.given.T+k-1))
		h.Diversity += x.diversity(k - 1)
		for i, name := range predictors {
			got := x.by[i].Frame(k - 1)
			f, s := measure.Compare(got, truth, last, w, hh), h.By[name]
			s.PSNR += measure.PSNR(f.MSE)
			s.SSIM += f.SSIM
			s.Sharpness += measure.Sharpness(got, w, hh) / max(measure.Sharpness(truth, w, hh), 1e-9)
			s.Blockiness += measure.Blockiness(got, w, hh, cell, cell) / measure.Blockiness(truth, w, hh, cell, cell)
			if !math.IsNaN(f.Moving) {
				moving[i] = append(moving[i], measure.PSNR(f.Moving))
			}
			whole, at := x.whole(x.by[i]), x.given.T+k-1
			seen[i] = append(seen[i], measure.Features(whole, at))
			if e := measure.EndPoint(got, whole.Frame(at-1), truth, x.whole(x.truth).Frame(at-1), w, hh); !math.IsNaN(e) {
				ends[i] = append(ends[i], e)
			}
		}
	}
	for i, name := range predictors {
		s, n := h.By[name], float64(max(h.Clips, 1))
		s.PSNR, s.SSIM, s.Sharpness, s.Blockiness, s.Moving = s.PSNR/n, s.SSIM/n, s.Sharpness/n, s.Blockiness/n, mean(moving[i])
		s.EndPoint = mean(ends[i])
		if f := measure.Frechet(seen[i], seen[len(predictors)]); !math.IsNaN(f) { // JSON has no NaN
			s.Frechet = f
		}
	}
	h.Diversity /= float64(max(h.Clips, 1))
	h.Frozen, h.Motion, h.Moved = bootstrap(moving[0], moving[1]), bootstrap(moving[0], moving[2]), bootstrap(moving[0], moving[3])
	return h
}

// whole is the given clip followed by a continuation.
func (x *continuation) whole(c *clip.Clip) *clip.Clip {
	return &clip.Clip{T: x.given.T + c.T, H: c.H, W: c.W, Rate: c.Rate, Pix: slices.Concat(x.given.Pix, c.Pix)}
}

// diversity is the mean absolute difference between the model's continuations in
// frame k, over all pairs of seeds.
func (x *continuation) diversity(k int) float64 {
	all, sum, pairs := append([]*clip.Clip{x.by[0]}, x.others...), 0.0, 0
	for i, a := range all {
		for _, b := range all[:i] {
			total, p, q := 0.0, a.Frame(k), b.Frame(k)
			for j := range p {
				total += math.Abs(float64(p[j]) - float64(q[j]))
			}
			sum, pairs = sum+total/float64(len(p)), pairs+1
		}
	}
	return sum / float64(max(pairs, 1))
}

// bootstrap returns the mean of a - b and its interval.
func bootstrap(a, b []float64) (out interval) {
	n := len(a)
	if n == 0 {
		return out
	}
	const samples = 1000
	r := rand.New(rand.NewPCG(1, 0x626f6f74)) // a fixed seed
	means := make([]float64, samples)
	for i := range means {
		for range n {
			k := r.IntN(n)
			means[i] += (a[k] - b[k]) / float64(n)
		}
	}
	slices.Sort(means)
	for k := range n {
		out.Mean += (a[k] - b[k]) / float64(n)
	}
	out.Low, out.High = means[samples/40], means[samples-1-samples/40]
	return out
}

func (e *videoScores) print(w io.Writer, page string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "frame\tclips\tby\tPSNR\tSSIM\tmoving PSNR\tend point\tsharpness\tblockiness\tFréchet\tmodel is better by (95%)\t\n")
	for _, h := range e.Horizons {
		for i, name := range predictors {
			s, better := h.By[name], h.better(i)
			fmt.Fprintf(t, "%d\t%d\t%s\t%.2f\t%.3f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%s\t\n", h.Frame, h.Clips, name, s.PSNR, s.SSIM, s.Moving, s.EndPoint, s.Sharpness, s.Blockiness, s.Frechet, better)
		}
		if h.Diversity > 0 {
			fmt.Fprintf(t, "%d\t%d\tseeds differ by\t%.2f\t\n", h.Frame, h.Clips, h.Diversity)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if err := e.printDrift(w); err != nil {
		return err
	}
	if page != "" {
		_, err := fmt.Fprintf(w, "look at:  %s\n", join(page, "index.html"))
		return err
	}
	return nil
}

// printDrift prints a line per second, or about ten lines if there are more.
func (e *videoScores) printDrift(w io.Writer) error {
	if len(e.Drift) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "seconds\t%s\t\n", strings.Join(driftNames, "\t"))
	for i, every := 0, max(len(e.Drift)/10, 1); i < len(e.Drift); i += every {
		fmt.Fprintf(t, "%.1f", e.Drift[i].Seconds)
		for _, x := range e.Drift[i].lines() {
			fmt.Fprintf(t, "\t%.2f", x)
		}
		fmt.Fprint(t, "\t\n")
	}
	return t.Flush()
}

// better formats how much lower the model's error is than a predictor's.
func (h *horizonScore) better(predictor int) string {
	switch predictor {
	case 1:
		return h.Frozen.String()
	case 2:
		return h.Motion.String()
	case 3:
		return h.Moved.String()
	}
	return ""
}

func (i interval) String() string {
	return fmt.Sprintf("%+.2f (%+.2f to %+.2f)", i.Mean, i.Low, i.High)
}

// table formats the figures as HTML.
func (e *videoScores) table() string {
	var b strings.Builder
	b.WriteString("<table><tr><th>frame<th>by<th>PSNR<th>SSIM<th>moving PSNR<th>end point<th>sharpness<th>blockiness<th>Fréchet<th>better by (95%)\n")
	for _, h := range e.Horizons {
		for i, name := range predictors {
			s := h.By[name]
			fmt.Fprintf(&b, "<tr><td>%d<td>%s<td>%.2f<td>%.3f<td>%.2f<td>%.2f<td>%.2f<td>%.2f<td>%.2f<td>%s\n",
				h.Frame, name, s.PSNR, s.SSIM, s.Moving, s.EndPoint, s.Sharpness, s.Blockiness, s.Frechet, h.better(i))
		}
	}
	b.WriteString("</table>\n")
	return b.String()
}
