package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu/tensor"
)

// ErrCheckpoint reports a checkpoint that belongs to another run.
var ErrCheckpoint = errors.New("checkpoint of another run")

const checkpointName = "checkpoint.safetensors"

// state is what a checkpoint holds beside the tensors.
type state struct {
	Options Options `json:"options"`
	Curve   *Curve  `json:"curve"`
	Sum     float64 `json:"sum"`
	Count   int     `json:"count"`
	Scaler  scaler  `json:"scaler"`
}

// save writes parameters, moments, curve and step in one file, and renames it into
// place. A kill at any time leaves the last whole file.
func (r *run) save(step int) error {
	state := state{r.opts, r.curve, r.sum, r.count, r.scaler}
	text, err := json.Marshal(state)
	if err != nil {
		return err
	}
	meta := map[string]string{"step": strconv.Itoa(step), "state": string(text)}
	return r.task.Store().Save(filepath.Join(r.opts.Dir, checkpointName), safetensors.F32, true, meta)
}

// CheckpointWidth returns the subgroup width that a folder's checkpoint was trained at,
// with which [Run] can go on. It is 0 without a checkpoint, or if that does not say.
func CheckpointWidth(dir string) (int, error) {
	f, s, _, err := open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return s.Options.Subgroup, f.Close()
}

// CheckpointSteps returns the steps in all of the run that a folder's checkpoint belongs
// to, and 0 without a checkpoint.
func CheckpointSteps(dir string) (int, error) {
	f, s, _, err := open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return s.Options.Steps, f.Close()
}

// resume loads the checkpoint, if there is one, and returns the step to go on
// with. Its options must be those of this run.
func (r *run) resume() (int, error) {
	f, s, step, err := open(r.opts.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if err := r.fits(s.Options); err != nil {
		return 0, fmt.Errorf("train.Run: %w: %w", ErrCheckpoint, err)
	}
	if err := r.task.Store().Load(f, true); err != nil {
		return 0, err
	}
	*r.curve, r.sum, r.count, r.scaler = *s.Curve, s.Sum, s.Count, s.Scaler
	if r.opts.Progress != nil {
		fmt.Fprintf(r.opts.Progress, "resumed at step %d\n", step)
	}
	return step, nil
}

// open opens a folder's checkpoint; the error wraps fs.ErrNotExist if there is none.
func open(dir string) (*safetensors.File, state, int, error) {
	f, err := safetensors.Open(filepath.Join(dir, checkpointName))
	if err != nil {
		return nil, state{}, 0, fmt.Errorf("train.Run: %w", err)
	}
	s, step, err := read(f.Metadata())
	if err != nil {
		f.Close()
		return nil, state{}, 0, fmt.Errorf("train.Run: %w: %w", ErrCheckpoint, err)
	}
	return f, s, step, nil
}

// read parses a checkpoint's step and state.
func read(meta map[string]string) (state, int, error) {
	step, err := strconv.Atoi(meta["step"])
	if err != nil {
		return state{}, 0, err
	}
	// Checkpoints from before there were others are of f32, and skipped nothing.
	s := state{Options: Options{Precision: tensor.F32.String()}, Curve: &Curve{}, Scaler: scaler{Scale: 1, Applied: step}}
	if err := json.Unmarshal([]byte(meta["state"]), &s); err != nil {
		return state{}, 0, err
	}
	if step < 0 || s.Curve == nil || !powerOfTwo(s.Scaler.Scale) || s.Scaler.Scale < 1 || s.Scaler.Applied < 0 {
		return state{}, 0, fmt.Errorf("its state is damaged: step %d, %.200s", step, meta["state"])
	}
	return s, step, nil
}

// fits refuses options that are not those of this run.
func (r *run) fits(had Options) error {
	want := r.opts
	want.Dir, want.Progress = "", nil
	if had.Subgroup == 0 { // of before it was kept
		had.Subgroup = want.Subgroup
	}
	switch {
	case had.Precision != want.Precision:
		return fmt.Errorf("it was trained in %s, this run asks for %s", had.Precision, want.Precision)
	case had != want:
		before, now := differences(had, want)
		return fmt.Errorf("it was trained with %s, this run asks for %s", before, now)
	}
	return nil
}

// differences names the options that differ, each with its value in a and in b.
func differences(a, b Options) (inA, inB string) {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	var listA, listB []string
	for i := range x.NumField() {
		if v, w := x.Field(i).Interface(), y.Field(i).Interface(); v != w {
			name, _, _ := strings.Cut(x.Type().Field(i).Tag.Get("json"), ",")
			listA, listB = append(listA, fmt.Sprint(name, " ", v)), append(listB, fmt.Sprint(name, " ", w))
		}
	}
	return strings.Join(listA, ", "), strings.Join(listB, ", ")
}
