package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/transforms/report"
)

// Flags of package testing's prefix are not among the commands' (see beamFlags).
var (
	requestCount = flag.Int("test.requests", 200, "of BenchmarkRequests")
	requestWidth = flag.Int("test.requestwidth", 64, "of the network of BenchmarkRequests, a multiple of 64")
	requestPlot  = flag.String("test.requestplot", "", "file for BenchmarkRequests' memory over time, SVG")
)

// requestSlots is the number of pictures that are drawn at once.
const requestSlots = 16

// BenchmarkRequests runs many small requests, pictures of 16 tokens by class, through the
// pipeline of generate and through the model alone: half of them by the model, all by the
// pipeline, and the other half by the model. The pipeline's time is that of the whole run,
// with files, markers and page. It reports tokens a second by the clock and by processor
// time, their ratios, and by how much resident memory grew from the second quarter of the
// pipeline's run to its last, in means.
func BenchmarkRequests(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(30)) // as main does
	dir := writeLlamaGen(b, *requestWidth)
	m, err := models.Open(gputest.Open(b, gpu.Options{}), system.Image, dir, models.Options{Slots: requestSlots})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	n := *requestCount
	for b.Loop() {
		drawAlone(b, m, 0, requestSlots) // kernels are compiled at their first use
		memory := watchMemory()
		alone := drawAlone(b, m, 0, n/2)
		begin := memory.now()
		piped := drawPiped(b, dir, n)
		end := memory.now()
		rest := drawAlone(b, m, n/2, n)
		memory.stop()
		alone.add(rest)
		b.ReportMetric(alone.rate(), "alone-tokens/s")
		b.ReportMetric(piped.rate(), "piped-tokens/s")
		b.ReportMetric(100*piped.rate()/alone.rate(), "%-by-clock")
		b.ReportMetric(100*piped.perCPU()/alone.perCPU(), "%-by-processor")
		b.ReportMetric(piped.wall.Seconds(), "piped-s")
		b.ReportMetric(alone.cpu.Seconds()*1e3/float64(n), "alone-cpu-ms")
		b.ReportMetric(piped.cpu.Seconds()*1e3/float64(n), "piped-cpu-ms")
		quarter := (end - begin) / 4
		b.ReportMetric(memory.mean(end-quarter, end)-memory.mean(begin+quarter, begin+2*quarter), "MB-grown")
		b.ReportMetric(memory.mean(end-quarter, end), "MB")
		if *requestPlot != "" {
			if err := os.WriteFile(*requestPlot, memory.plot(begin, end, n), 0o644); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// spent is what drawing tokens took.
type spent struct {
	tokens    int
	wall, cpu time.Duration
}

func (s *spent) add(o spent)     { s.tokens, s.wall, s.cpu = s.tokens+o.tokens, s.wall+o.wall, s.cpu+o.cpu }
func (s *spent) rate() float64   { return float64(s.tokens) / s.wall.Seconds() }
func (s *spent) perCPU() float64 { return float64(s.tokens) / s.cpu.Seconds() }

// measured runs work that draws tokens.
func measured(b *testing.B, work func() (tokens int)) spent {
	b.Helper()
	cpu := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	begun, before := time.Now(), cpu()
	tokens := work()
	return spent{tokens, time.Since(begun), cpu() - before}
}

// drawAlone draws requests from to below to with the model, as many at once as the pipeline.
func drawAlone(b *testing.B, m *models.Model, from, to int) spent {
	b.Helper()
	return measured(b, func() int {
		var next, tokens atomic.Int64
		next.Store(int64(from))
		var all sync.WaitGroup
		for range 2 * requestSlots {
			all.Go(func() {
				for i := next.Add(1); int(i) <= to; i = next.Add(1) {
					r, err := m.Generate(b.Context(), models.Request{ID: fmt.Sprintf("image-%d", i), Seed: 1, Class: 7})
					if err != nil {
						b.Error(err)
						return
					}
					tokens.Add(int64(r.Stats.Tokens))
				}
			})
		}
		all.Wait()
		return int(tokens.Load())
	})
}

// drawPiped draws n requests by the command.
func drawPiped(b *testing.B, dir string, n int) spent {
	b.Helper()
	out := b.TempDir()
	return measured(b, func() int {
		code, text, errs := morton("generate", "image", "--model", dir, "--class", "7", "--count", strconv.Itoa(n), "--slots", strconv.Itoa(requestSlots), "--json", "--out", out)
		var s report.Summary
		if err := json.Unmarshal([]byte(text), &s); err != nil || code != exitDone || s.Done != n {
			b.Fatalf("exit %d, %v\n%s\n%.2000s", code, err, text, errs)
		}
		return s.Drawn
	})
}

// memoryWatch samples this process' resident memory each second.
type memoryWatch struct {
	begun time.Time
	over  chan struct{}
	mu    sync.Mutex
	at    []float64 // seconds
	mb    []float64
}

func watchMemory() *memoryWatch {
	w := &memoryWatch{begun: time.Now(), over: make(chan struct{})}
	go func() {
		every := time.NewTicker(time.Second)
		defer every.Stop()
		for {
			w.sample()
			select {
			case <-every.C:
			case <-w.over:
				return
			}
		}
	}()
	return w
}

func (w *memoryWatch) sample() {
	b, _ := os.ReadFile("/proc/self/statm")
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return
	}
	pages, _ := strconv.Atoi(string(fields[1]))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at, w.mb = append(w.at, w.now()), append(w.mb, float64(pages*os.Getpagesize())/1e6)
}

func (w *memoryWatch) now() float64 { return time.Since(w.begun).Seconds() }

func (w *memoryWatch) stop() { close(w.over) }

// mean is the mean from one time to another.
func (w *memoryWatch) mean(from, to float64) float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	sum, n := 0.0, 0
	for i, at := range w.at {
		if at >= from && at <= to {
			sum, n = sum+w.mb[i], n+1
		}
	}
	return sum / float64(n)
}

// plot draws memory over time, with the pipeline's run from begin to end shaded.
func (w *memoryWatch) plot(begin, end float64, n int) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	const width, height, left, bottom = 720, 300, 60, 40
	last, most := w.at[len(w.at)-1], 0.0
	for _, mb := range w.mb {
		most = max(most, mb)
	}
	step := 100 * math.Ceil(most/500)
	top := step * math.Ceil(most/step)
	x := func(s float64) float64 { return left + s/last*(width-left-10) }
	y := func(mb float64) float64 { return height - bottom - mb/top*(height-bottom-20) }
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12"><rect width="100%%" height="100%%" fill="#fff"/>`+"\n", width, height)
	fmt.Fprintf(&s, `<rect x="%.1f" y="20" width="%.1f" height="%d" fill="#e8eef7"/><text x="%.1f" y="15" text-anchor="middle">%d requests through the pipeline</text>`+"\n",
		x(begin), x(end)-x(begin), height-bottom-20, (x(begin)+x(end))/2, n)
	for mb := 0.0; mb <= top; mb += step {
		fmt.Fprintf(&s, `<path d="M%d %.1fH%d" stroke="#ccc"/><text x="%d" y="%.1f" text-anchor="end">%.0f MB</text>`+"\n", left, y(mb), width-10, left-5, y(mb)+4, mb)
	}
	fmt.Fprintf(&s, `<text x="%d" y="%d">0</text><text x="%d" y="%d" text-anchor="end">%.0f s</text>`+"\n", left, height-bottom+16, width-10, height-bottom+16, last)
	s.WriteString(`<polyline fill="none" stroke="#1f5fa8" stroke-width="1.5" points="`)
	every := max(1, len(w.at)/1000) // points of a pixel each are enough
	for i := 0; i < len(w.at); i += every {
		fmt.Fprintf(&s, "%.1f,%.1f ", x(w.at[i]), y(w.mb[i]))
	}
	s.WriteString("\"/></svg>\n")
	return []byte(s.String())
}

// writeLlamaGen writes a network of the given width with random weights, under LlamaGen's
// names, with the tiny tokenizer: pictures of 16 by 16 pixels from 16 tokens.
func writeLlamaGen(b *testing.B, width int) string {
	b.Helper()
	const layers, codes, classes = 6, 64, 10
	hidden := (8*width/3 + 31) / 32 * 32
	dir := b.TempDir()
	config := map[string]any{
		"dim": width, "n_layer": layers, "n_head": width / 16, "multiple_of": 32, "vocab_size": codes, "num_classes": classes, "block_size": 16,
		"norm_eps": 1e-5, "rope_base": 10000, "class_dropout_prob": 0.1, "model_type": "c2i", "cls_token_num": 1,
	}
	data, err := json.Marshal(config)
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	var all []safetensors.NamedTensor
	add := func(name string, shape ...int) {
		x := make([]float32, safetensors.Tensor{Shape: shape}.Elements())
		for i := range x {
			x[i] = 1 // of a norm
			if len(shape) > 1 {
				x[i] = float32(r.NormFloat64() / math.Sqrt(float64(shape[len(shape)-1])))
			}
		}
		t, err := safetensors.FromFloat32s(name, safetensors.F32, shape, x)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, t)
	}
	add("cls_embedding.embedding_table.weight", classes+1, width)
	add("tok_embeddings.weight", codes, width)
	for i := range layers {
		at := fmt.Sprintf("layers.%d.", i)
		add(at+"attention.wqkv.weight", 3*width, width)
		add(at+"attention.wo.weight", width, width)
		add(at+"attention_norm.weight", width)
		add(at+"feed_forward.w1.weight", hidden, width)
		add(at+"feed_forward.w2.weight", width, hidden)
		add(at+"feed_forward.w3.weight", hidden, width)
		add(at+"ffn_norm.weight", width)
	}
	add("norm.weight", width)
	add("output.weight", codes, width)
	if err := safetensors.Write(filepath.Join(dir, "generator.safetensors"), all, nil); err != nil {
		b.Fatal(err)
	}
	files := map[string][]byte{"config.json": data}
	for name, from := range map[string]string{"vq.safetensors": tinyVQ + "decoder.safetensors", "tokenizer.json": tinyVQ + "config.json"} {
		if files[name], err = os.ReadFile(from); err != nil {
			b.Fatal(err)
		}
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return dir
}
