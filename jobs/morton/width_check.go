package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/diskcache"
)

// clearly is how much faster another width must be than the device's own. On one thread
// of a Xeon of two cores, which had other work to do, the medians of three measurements
// of one width differed by at most 5%; on two threads by a factor of two, as they share
// the cores with whatever else runs.
const clearly = 1.15

// widthRounds is how often each width is measured, in turns, so that whatever else
// the machine does meets all of them.
const widthRounds = 3

// A widthCheck measures a device at every width it may have. Each measurement is a
// process of its own, as the first use of lavapipe in a process fixes its width.
type widthCheck struct {
	device string                                                         // see gpu.Options
	folder string                                                         // of the records, "" keeps none
	say    io.Writer                                                      // that it takes a while
	run    func(ctx context.Context, arguments ...string) ([]byte, error) // runs morton
}

func newWidthCheck(device string, say io.Writer) *widthCheck {
	w := &widthCheck{device: device, say: say, run: runMorton}
	if dir := gpu.CacheDir(); dir != "" {
		w.folder = filepath.Join(dir, "widths")
	}
	return w
}

func runMorton(ctx context.Context, arguments ...string) ([]byte, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, program, arguments...).Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		err = fmt.Errorf("%w: %s", err, failed.Stderr)
	}
	return out, err
}

// choose returns the width at which a use of the device, some part of its rates, is
// fastest, 0 for the device's own: another must be clearly faster. It measures once for
// each driver, device and processor, and goes by the record after that.
func (w *widthCheck) choose(ctx context.Context, use func(rates) float64) (int, error) {
	info, err := w.look(ctx, "--subgroup", "auto")
	if err != nil {
		return 0, ctx.Err() // opening the device will tell why it cannot be used
	}
	byWidth := w.read(info)
	if byWidth == nil {
		if byWidth, err = w.measure(ctx, info); err != nil {
			return 0, err
		}
		w.write(info, byWidth)
	}
	return fastest(info.Width, byWidth, use), nil
}

func fastest(own int, byWidth map[int]rates, use func(rates) float64) int {
	best, at := use(byWidth[own])*clearly, 0
	for _, width := range candidates {
		if r, ok := byWidth[width]; ok && use(r) > best {
			best, at = use(r), width
		}
	}
	return at
}

// candidates are the widths other than a device's own that are tried.
var candidates = []int{8, 16, 32, 64}

// look asks a new process about the device.
func (w *widthCheck) look(ctx context.Context, arguments ...string) (*deviceLine, error) {
	out, err := w.run(ctx, append([]string{"devices", "--json", "--device", w.device}, arguments...)...)
	if err != nil {
		return nil, err
	}
	var list []deviceLine
	if err := json.Unmarshal(out, &list); err != nil || len(list) != 1 {
		return nil, fmt.Errorf("morton devices printed %d devices: %w", len(list), err)
	}
	return &list[0], nil
}

// measure returns the median rates of each width that the device takes.
func (w *widthCheck) measure(ctx context.Context, info *deviceLine) (map[int]rates, error) {
	widths := []int{info.Width}
	for _, c := range candidates {
		// A CPU device has but one width in a process, and may have others in others.
		if c != info.Width && (info.Threads > 0 && c <= 16 || c >= info.SubgroupMin && c <= info.SubgroupMax) {
			widths = append(widths, c)
		}
	}
	if len(widths) == 1 {
		return map[int]rates{info.Width: {}}, nil
	}
	fmt.Fprintf(w.say, "measuring subgroup widths %v of %s, once for this driver\n", widths, info.Name)
	seen := map[int][]rates{}
	for round := range widthRounds {
		for _, width := range widths {
			line, err := w.look(ctx, "--measure", "--threads", "1", "--subgroup", strconv.Itoa(width))
			switch {
			case ctx.Err() != nil:
				return nil, ctx.Err()
			case err != nil && (width == info.Width || round > 0):
				return nil, err
			case err != nil: // it does not take this width
				widths = slices.DeleteFunc(slices.Clone(widths), func(x int) bool { return x == width })
			default:
				seen[width] = append(seen[width], *line.Rates)
			}
		}
	}
	out := map[int]rates{}
	for width, all := range seen {
		out[width] = median(all)
	}
	return out, nil
}

// record is the file of a device under its driver, on the processor at hand.
func (w *widthCheck) record(info *deviceLine) (*diskcache.Cache, diskcache.Hash) {
	device := *info
	device.Roof, device.Rates = nil, nil
	text, _ := json.Marshal(device) // of numbers and strings
	// Where LP_NATIVE_VECTOR_WIDTH is set lavapipe has that width only.
	key := diskcache.Sum([]byte("widths 1"), text, processor(), []byte(os.Getenv("LP_NATIVE_VECTOR_WIDTH")))
	return diskcache.Open(filepath.Join(w.folder, fmt.Sprintf("%x.cache", key[:12])), key), diskcache.Sum([]byte("rates"))
}

// read returns nil if there is no sound record.
func (w *widthCheck) read(info *deviceLine) (byWidth map[int]rates) {
	if w.folder == "" {
		return nil
	}
	c, name := w.record(info)
	if json.Unmarshal(c.Get(name), &byWidth) != nil || byWidth[info.Width] == (rates{}) && len(byWidth) > 1 {
		return nil
	}
	return byWidth
}

// write keeps the record; if it cannot, the next check measures again.
func (w *widthCheck) write(info *deviceLine, byWidth map[int]rates) {
	if w.folder == "" {
		return
	}
	c, name := w.record(info)
	text, _ := json.Marshal(byWidth) // of numbers
	c.Put(name, text)
	_ = c.Save()
}

var modelName = regexp.MustCompile(`(?m)^model name\s*:.*$`)

// processor names the CPU's model, if the system does: a driver's name for a device on
// the CPU does not.
func processor() []byte {
	text, _ := os.ReadFile("/proc/cpuinfo")
	return modelName.Find(text)
}
