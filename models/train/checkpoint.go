package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/morton-gen/morton/codecs/safetensors"
)

// ErrCheckpoint reports a checkpoint that belongs to another run.
var ErrCheckpoint = errors.New("checkpoint of another run")

const checkpointName = "checkpoint.safetensors"

// save writes parameters, moments, curve and step in one file, renamed into
// place: a kill at any time leaves the last whole one.
func (r *run) save(step int) error {
	state := struct {
		Options Options `json:"options"`
		Curve   *Curve  `json:"curve"`
		Sum     float64 `json:"sum"`
		Count   int     `json:"count"`
	}{r.opts, r.curve, r.sum, r.count}
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
	var state struct {
		Options Options `json:"options"`
		Curve   Curve   `json:"curve"`
		Sum     float64 `json:"sum"`
		Count   int     `json:"count"`
	}
	meta := f.Metadata()
	step, err := strconv.Atoi(meta["step"])
	if err == nil {
		err = json.Unmarshal([]byte(meta["state"]), &state)
	}
	if err != nil {
		return 0, fmt.Errorf("train.Run: %w: %v", ErrCheckpoint, err)
	}
	want := r.opts
	want.Dir, want.Progress = "", nil
	if state.Options != want {
		return 0, fmt.Errorf("train.Run: %w: it was trained with %+v, this run asks for %+v", ErrCheckpoint, state.Options, want)
	}
	if err := r.task.Store().Load(f, true); err != nil {
		return 0, err
	}
	*r.curve, r.sum, r.count = state.Curve, state.Sum, state.Count
	if r.opts.Progress != nil {
		fmt.Fprintf(r.opts.Progress, "resumed at step %d\n", step)
	}
	return step, nil
}
