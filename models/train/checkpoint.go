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

// state is what a checkpoint holds beside the tensors.
type state struct {
	Options Options `json:"options"`
	Curve   *Curve  `json:"curve"`
	Sum     float64 `json:"sum"`
	Count   int     `json:"count"`
}

// save writes parameters, moments, curve and step in one file, renamed into
// place: a kill at any time leaves the last whole one.
func (r *run) save(step int) error {
	text, err := json.Marshal(state{r.opts, r.curve, r.sum, r.count})
	if err != nil {
		return err
	}
	meta := map[string]string{"step": strconv.Itoa(step), "state": string(text)}
	return r.task.Store().Save(filepath.Join(r.opts.Dir, checkpointName), safetensors.F32, true, meta)
}

// open opens a folder's checkpoint; the error wraps fs.ErrNotExist if there is none.
func open(dir string) (f *safetensors.File, s state, step int, err error) {
	if f, err = safetensors.Open(filepath.Join(dir, checkpointName)); err != nil {
		return nil, s, 0, fmt.Errorf("train.Run: %w", err)
	}
	meta := f.Metadata()
	step, err = strconv.Atoi(meta["step"])
	s.Curve = &Curve{}
	if err == nil {
		err = json.Unmarshal([]byte(meta["state"]), &s)
	}
	if err == nil && s.Curve == nil {
		err = errors.New("no curve")
	}
	if err != nil {
		f.Close()
		return nil, s, 0, fmt.Errorf("train.Run: %w: %v", ErrCheckpoint, err)
	}
	return f, s, step, nil
}

// CheckpointWidth returns the subgroup width that a folder's checkpoint was trained
// at and [Run] can go on with; 0 if there is none, or it does not say.
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
	want := r.opts
	want.Dir, want.Progress = "", nil
	if s.Options.Subgroup == 0 { // of before it was kept
		s.Options.Subgroup = want.Subgroup
	}
	if s.Options != want {
		return 0, fmt.Errorf("train.Run: %w: it was trained with %+v, this run asks for %+v", ErrCheckpoint, s.Options, want)
	}
	if err := r.task.Store().Load(f, true); err != nil {
		return 0, err
	}
	*r.curve, r.sum, r.count = *s.Curve, s.Sum, s.Count
	if r.opts.Progress != nil {
		fmt.Fprintf(r.opts.Progress, "resumed at step %d\n", step)
	}
	return step, nil
}
