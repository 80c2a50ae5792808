package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

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

// save writes parameters, moments, curve and step in one file, renamed into
// place: a kill at any time leaves the last whole one.
func (r *run) save(step int) error {
	state := state{r.opts, r.curve, r.sum, r.count, r.scaler}
	text, err := json.Marshal(state)
	if err != nil {
		return err
	}
	meta := map[string]string{"step": strconv.Itoa(step), "state": string(text)}
	return r.task.Store().Save(filepath.Join(r.opts.Dir, checkpointName), safetensors.F32, true, meta)
}

// resume loads the checkpoint, if there is one, and returns the step to go on
// with. Its options must be those of this run.
func (r *run) resume() (int, error) {
	f, err := safetensors.Open(filepath.Join(r.opts.Dir, checkpointName))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("train.Run: %w", err)
	}
	defer f.Close()
	step, state, err := r.read(f.Metadata())
	if err != nil {
		return 0, fmt.Errorf("train.Run: %w: %w", ErrCheckpoint, err)
	}
	if err := r.task.Store().Load(f, true); err != nil {
		return 0, err
	}
	*r.curve, r.sum, r.count, r.scaler = *state.Curve, state.Sum, state.Count, state.Scaler
	if r.opts.Progress != nil {
		fmt.Fprintf(r.opts.Progress, "resumed at step %d\n", step)
	}
	return step, nil
}

// read returns a checkpoint's step and state, if it is of a run like this.
func (r *run) read(meta map[string]string) (int, state, error) {
	step, err := strconv.Atoi(meta["step"])
	if err != nil {
		return 0, state{}, err
	}
	// Checkpoints from before there were others are of f32, and skipped nothing.
	s := state{Options: Options{Precision: tensor.F32.String()}, Curve: &Curve{}, Scaler: scaler{Scale: 1, Applied: step}}
	if err := json.Unmarshal([]byte(meta["state"]), &s); err != nil {
		return 0, state{}, err
	}
	want := r.opts
	want.Dir, want.Progress = "", nil
	switch {
	case s.Options.Precision != want.Precision:
		return 0, state{}, fmt.Errorf("it was trained in %s, this run asks for %s", s.Options.Precision, want.Precision)
	case s.Options != want:
		return 0, state{}, fmt.Errorf("it was trained with %+v, this run asks for %+v", s.Options, want)
	case s.Curve == nil || !powerOfTwo(s.Scaler.Scale) || s.Scaler.Scale < 1 || s.Scaler.Applied < 0:
		return 0, state{}, fmt.Errorf("its state is damaged: %s", meta["state"])
	}
	return step, s, nil
}
