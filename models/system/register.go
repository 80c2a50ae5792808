package system

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/models/nn"
)

// ErrUnknown reports a checkpoint that no registered system fits.
var ErrUnknown = errkind.New("bad_model", "a checkpoint of no known system")

// Published is a system that opens from a checkpoint under the names of its own state
// dict.
type Published struct {
	Name   string   // as the command takes it
	Title  string   // as its authors call it
	Paper  string   // arXiv number
	Papers []string // more of them that it follows
	Kind   string   // of media, such as [Image]
	// Samples is the kind of its samples, see shard.Sample; "" if the tokenizer beside it
	// says so.
	Samples string
	// Own systems are Morton's, with shipped weights. A folder's config.json names them.
	Own bool
	// Tensors are names that only checkpoints of this system have together.
	Tensors []string
	// Like names the system that has the same Tensors; "" if none. Then the description tells
	// them apart: Open of either makes the one that it describes.
	Like string
	// Trains says that the system can be trained: Open takes nil weights.
	Trains bool
	// Open makes the system from config.json, nil without one, and from the shapes of
	// its tensors. Errors wrap nn.ErrConfig or nn.ErrWeights.
	Open func(config json.RawMessage, w nn.Weights) (*System, error)
}

var published []Published

// Register adds a system. It panics if the name is taken, since that is a mistake of
// ours.
func Register(p Published) {
	if slices.ContainsFunc(published, func(q Published) bool { return q.Name == p.Name }) {
		panic(fmt.Sprintf("system: %q is registered twice", p.Name))
	}
	published = append(published, p)
}

// All returns the registered systems: Morton's own, then the others, each by name.
func All() []Published {
	out := slices.Clone(published)
	slices.SortFunc(out, func(a, b Published) int {
		if a.Own != b.Own {
			if a.Own {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}

// ByName returns Morton's own system of a name. The error wraps [ErrUnknown].
func ByName(name string) (Published, error) {
	return find(func(p Published) bool { return p.Own && p.Name == name }, name)
}

// OfKind returns Morton's own system for a kind of media. The error wraps [ErrUnknown].
func OfKind(kind string) (Published, error) {
	return find(func(p Published) bool { return p.Own && p.Kind == kind }, kind)
}

// ToTrain returns the published system of a name that can be trained. The error wraps
// [ErrUnknown].
func ToTrain(name string) (Published, error) {
	i := slices.IndexFunc(published, func(p Published) bool { return p.Trains && p.Name == name })
	if i < 0 {
		return Published{}, fmt.Errorf("system: %w: none that trains is called %q", ErrUnknown, name)
	}
	return published[i], nil
}

func find(is func(Published) bool, word string) (Published, error) {
	i := slices.IndexFunc(published, is)
	if i < 0 {
		return Published{}, fmt.Errorf("system: %w: none of ours is for %q", ErrUnknown, word)
	}
	return published[i], nil
}

// Detect returns the system of a checkpoint. Where the names of several are there, it
// takes the one that asks for the most names. The error wraps [ErrUnknown].
func Detect(w nn.Weights) (Published, error) {
	best := -1
	for i, p := range published {
		has := func(name string) bool { _, ok := w.Shape(name); return ok }
		if !p.Own && p.Like == "" && all(p.Tensors, has) && (best < 0 || len(p.Tensors) > len(published[best].Tensors)) {
			best = i
		}
	}
	if best < 0 {
		return Published{}, fmt.Errorf("system: %w: it has %d tensors, such as %s", ErrUnknown, len(w.Names()), strings.Join(w.Names()[:min(3, len(w.Names()))], ", "))
	}
	return published[best], nil
}

// Described returns the system of a name if its tensors are p's, else p.
func (p Published) Described(name string) Published {
	for _, q := range published {
		if q.Like == p.Name && q.Name == name {
			return q
		}
	}
	return p
}

func all(names []string, has func(string) bool) bool {
	for _, n := range names {
		if !has(n) {
			return false
		}
	}
	return true
}
