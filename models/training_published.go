package models

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/models/checkpoint"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/train"
)

// publishedTrained is a model of a published system, in that system's own layout.
type publishedTrained struct {
	sys    *system.System
	name   string
	config json.RawMessage

	kind, tokenizer string // of media, and the tokenizer's folder
}

// published makes the system from its config.json, and brings the tokenizer along.
func (o *TrainOptions) published() (trained, error) {
	p, err := system.ToTrain(o.System)
	if err != nil {
		return nil, fmt.Errorf("models.Train: %w", err)
	}
	sys, err := p.Open(o.Published, nil)
	if err != nil {
		return nil, err
	}
	if sys.Flatten == nil {
		return nil, fmt.Errorf("models.Train: %w: by its config.json %s draws only", train.ErrOptions, p.Name)
	}
	// Whole samples are trained: a window of one would lack the condition.
	if o.Window != 0 && o.Window != sys.Window() {
		return nil, fmt.Errorf("models.Train: %w: a window of %d of %d positions", train.ErrOptions, o.Window, sys.Window())
	}
	m := &publishedTrained{sys: sys, name: o.Name, config: o.Published, kind: p.Kind, tokenizer: filepath.Join(o.Out, "tokenizer")}
	if m.name == "" {
		m.name = p.Name
	}
	if err := copyBeside(o.Tokenizer, m.tokenizer); err != nil {
		return nil, err
	}
	beside, err := m.beside()
	beside.Close()
	return m, err
}

// Other implements trained.
func (m *publishedTrained) Other() (*checkpoint.Checkpoint, error) {
	if !m.sys.Params.Borrows() {
		return nil, nil
	}
	p, err := m.beside()
	if err == nil && p.Tokenizer == nil {
		err = fmt.Errorf("models.Train: %w: %s computes with its tokenizer, which is not there", ErrFolder, m.sys.Name)
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return p.Tokenizer, nil
}

// beside opens the tokenizer of the model's folder, if it has one. Its error is not nil
// if the system cannot generate with that tokenizer.
func (m *publishedTrained) beside() (*Published, error) {
	p := &Published{Published: system.Published{Kind: m.kind}, System: m.sys}
	if !isFolder(m.tokenizer) {
		return p, nil
	}
	_, among, err := candidates(m.tokenizer)
	if err != nil {
		return p, err
	}
	p.openTokenizer(among)
	if err := p.describe(m.tokenizer); err != nil || p.Tokenizer == nil {
		return p, err
	}
	if why := p.Usable(); why != nil {
		return p, fmt.Errorf("models.Train: %w: %s: %w", ErrFolder, p.TokenizerPath, why)
	}
	return p, nil
}

func (m *publishedTrained) System() *system.System { return m.sys }

func (m *publishedTrained) Name() string { return m.name }

func (m *publishedTrained) Save(t *training, last train.Point) error {
	facts, err := json.MarshalIndent(t.facts(last), "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(
		t.save(map[string]string{"system": m.sys.Name, "name": m.name}),
		atomicfile.WriteFile(filepath.Join(t.options.Out, "config.json"), m.config),
		atomicfile.WriteFile(filepath.Join(t.options.Out, "training.json"), append(facts, '\n')))
}

// copyBeside copies a tokenizer, a folder or a file with its description, into a folder.
// One that is there stays; "" is none.
func copyBeside(from, to string) error {
	if from == "" || isFolder(to) {
		return nil
	}
	if isFolder(from) {
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			return fmt.Errorf("models.Train: %w: %w", ErrFolder, err)
		}
		return nil
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return fmt.Errorf("models.Train: %w: %w", ErrFolder, err)
	}
	for _, name := range []string{filepath.Base(from), tokenizerConfig, "config.json"} {
		err := copyFile(filepath.Join(filepath.Dir(from), name), filepath.Join(to, name))
		if err != nil && (name == filepath.Base(from) || !errors.Is(err, fs.ErrNotExist)) {
			return fmt.Errorf("models.Train: %w: %w", ErrFolder, err)
		}
	}
	return nil
}

// copyMetrics copies the run's metrics beside the model. Runs from before there were any
// have none.
func copyMetrics(from, to string) error {
	const name = "metrics.jsonl"
	err := copyFile(filepath.Join(from, name), filepath.Join(to, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
