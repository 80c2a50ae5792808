package system

import (
	"errors"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/gpu/ops/refine"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/models/nn"
)

// Errors a caller can branch on.
var (
	// ErrPrompt reports a prompt that the system cannot start from.
	ErrPrompt = errkind.New("bad_request", "the system cannot start from this prompt")
	// ErrRequest reports a request that makes no sense.
	ErrRequest = errkind.New("bad_request", "bad request")
	// ErrTooLong reports a request with more positions than the system takes.
	ErrTooLong = errkind.New("too_long", "sequence is too long for the model")
	// ErrLimit reports a sample of more tokens than [Extent.Tokens].
	ErrLimit = errkind.New("limit", "over the limit")
	// ErrClosed reports the use of something that was closed.
	ErrClosed = errors.New("engine is closed")
)

// System is one way to generate: a network with the parts around it.
type System struct {
	Name       string
	Params     *nn.List // of all parts
	Token      Token
	Layout     Layout
	Input      Input
	Trunk      Trunk
	Head       Head
	Constraint Constraint // what may be drawn next; nil: anything
	Default    Sampling
	Dropout    float64 // share of the training samples that lose their condition, for guidance
	// Prepare loads what Schedule computes with. It is called once, before. Nil: nothing.
	Prepare func(Files) error
	// Schedule returns the runs of a request. Errors wrap [ErrPrompt] or are those of a
	// kind of media.
	Schedule func(Prompt) (Schedule, error)
	// Flatten returns the tokens of a sample's positions, and the prompt of a request that
	// draws all of them. Nil: the system has no samples to learn from.
	Flatten func(shard.Sample) (Prompt, []uint32, error)
	// Passes are those of a network that trains. Nil: one pass over all rows, in AllStages.
	Passes []Pass
	// Practice makes lessons, in which a part of a sample is known. Nil: lessons have the
	// runs of Schedule.
	Practice Practice
	// Tokenizer opens the tokenizer. Nil: it is another checkpoint.
	Tokenizer func(*gpu.Device, Files) (Tokenizer, error)
	Format    Format // of media
	Facts     []Fact // what else people want to know of it, such as the points of its condition
	// Classes are the names of what Prompt.Class asks for. The first stands for any. Nil: there
	// are no classes, or they have no names.
	Classes []string
	Grid    [3]int // of the tokens: frames, rows, columns; zero: it depends on the request
	Text    int    // features of a row of text; 0: Layout.Features; below 0: it takes no text
	Control int    // features of a row of a control, of which there is one for each token; 0: it takes none
	Tokens  int    // of a sample; 0: Layout.Length
	Drafts  bool   // its schedule knows Prompt.Ahead
}

// TextWidth is the number of features of a row of a prompt's text, 0 of a system without.
func (s *System) TextWidth() int {
	if s.Text != 0 {
		return max(s.Text, 0)
	}
	return s.Layout.Features
}

// Files opens the other weights of a model's folder, by their names. The caller closes
// them.
type Files func(name string) (*safetensors.File, error)

// Prompt is what a request starts from. A system reads the fields that it knows.
type Prompt struct {
	Given          []uint32 // tokens of the first positions, which are not drawn
	Frames         int      // of the clip, those of Given too
	Depth          int      // of the octree
	Faces          int      // at most
	Points         []int64  // points of a surface, one a position before the first face
	Quads          float32  // share of the faces that are to have four corners; 0: the system's own
	ConstraintData []uint32 // what the constraint reads of the request; nil: nothing
	Class          int      // of the system's classes
	// Text holds a text's features from the system's text encoder, [n, features], a row
	// for each token.
	Text []float32
	// Control holds the features of a control, [tokens, features]; nil: there is none.
	Control []float32
	// Guidance is the scale of classifier-free guidance; up to 1 there is none.
	// Interval, if above 0, ends it after about that many tokens.
	Guidance float32
	Interval int
	// Ramp says how the scale of guidance grows over the steps, where a system knows several
	// ways; "" means its own. Steps is the number of steps, if the system lets a request
	// choose it. Order is the positions in the order of prediction. 0 and nil mean the
	// system's own: a random order by the request's seed.
	Ramp  Ramp
	Steps int
	Order []int32
	// Motion is what else a system takes of a clip, such as NOVA's flow and frames a
	// second; nil means its own.
	Motion []float32
	// Inner are the refiner's passes of the first and of the last step; 0 means the
	// system's own. Between them they fall or grow evenly.
	Inner [2]int
	// Ahead is how many sets a draft predicts, one behind the other, before they are checked
	// together; up to 1 none is drafted. Only a system that says Drafts knows it.
	Ahead int
}

// Ramp is how the scale of guidance grows over the steps of a request.
type Ramp string

// The ramps. A linear one grows with the share of the tokens that are known.
const (
	Constant Ramp = "constant"
	Linear   Ramp = "linear"
)

// Token is what a position holds: sub-tokens of some values each, a binary code, or real
// numbers.
type Token struct {
	Sub, Values int // sub-tokens, and values of each
	Bits        int // of a binary code; 0 for indices
	End         int // the token that ends a sample; 0: none
	Width       int // real numbers of a token, whose bits are its words; 0 for others
}

// Words is the number of 32-bit words of a token.
func (t Token) Words() int {
	switch {
	case t.Bits > 0:
		return (t.Bits + 31) / 32
	case t.Width > 0:
		return t.Width
	}
	return t.Sub
}

// Layout holds the extents of a system's rows.
type Layout struct {
	Fixed, Inputs, Axes int     // columns of Rows
	Base                int     // row of the embedding table where those of input tokens begin
	Directions          int     // of the head; 0 means 1
	Features            int     // of a condition's vectors; 0: none
	FeatureRows         int     // rows of a run that have features at most; 0 means Length
	Context             int     // slots of the cache that a sequence has at most
	Length              int     // rows, targets and positions that a sequence has at most
	Group               int     // rows of a step at most, by which memory is planned; 0 means 1
	Sinks               int     // first rows, whose keys stay for ever (attention sinks)
	Unit                int     // rows that belong together: training windows start at multiples; 0 means 1
	Places, State       int     // kept hidden states of a sequence, and their width; 0: none
	Recalls             int     // kept states that a row starts from; 0 means 1
	Ranges              int     // ranges of cache slots that a row sees; 0: all up to KVLen
	Guesses             int     // rows of a guess at most, see Run; 0: nobody guesses
	Branches            int     // of guidance; 0 means 2
	Sparse              *Sparse // attention to some blocks of keys, see Run.Pattern; nil: to all
	// Caches are the slots that a sequence has at most in further groups of the cache, such as
	// those of a condition and of shortened levels. The first group has Context. Attentions
	// say of which group they are, and GroupOf in which one the rows of a stage lie, by
	// stage; nil: all in the first.
	Caches, GroupOf []int
	Windows         []attention.Window // ways to divide a sequence's rows of a step, see nn.Windowed
	Raw             bool               // rows are input tokens as they are, and not by the embedding table
}

// Groups is the number of groups of the cache.
func (l *Layout) Groups() int { return 1 + len(l.Caches) }

// Slots is the number of cache slots that a sequence has at most in a group.
func (l *Layout) Slots(group int) int {
	if group == 0 {
		return l.Context
	}
	return l.Caches[group-1]
}

// StageGroup is the group of the cache in which the rows of a stage lie.
func (l *Layout) StageGroup(stage int) int {
	if stage < len(l.GroupOf) {
		return l.GroupOf[stage]
	}
	return 0
}

// Sparse says how much of a pattern of attention is kept, and of how many slots a block is.
type Sparse struct {
	attention.Selection
	Block int
}

// Dims returns the extents of the stepping tables for a number of slots.
func (s *System) Dims(slots int) step.Dims {
	return step.Dims{
		Slots: slots, Length: s.Layout.Length + s.Layout.Guesses, Fixed: s.Layout.Fixed, Inputs: s.Layout.Inputs, Axes: s.Layout.Axes, Base: s.Layout.Base,
		Sub: s.Token.Words(), Vocab: s.Token.Values, Codes: s.Token.Bits > 0 || s.Token.Width > 0 || s.Layout.Raw, Places: s.Layout.Places, Recalls: s.Layout.Recalls, Ranges: s.Layout.Ranges,
		Directions: s.Layout.Directions, Branches: s.Layout.Branches,
	}
}

// Input makes the vectors of a batch's rows, [n, width]. A stage is one way to make
// them. Most systems have one; some have another to read a condition.
type Input interface {
	Record(g nn.Graph, stage int) *nn.Value
}

// AllStages stands for rows of any stage, as in training.
const AllStages = -1

// Trunk is the network. One of several stages asks the graph for the stage.
type Trunk interface {
	Forward(g nn.Graph, x *nn.Value) *nn.Value
}

// Head turns hidden states into tokens.
type Head interface {
	// Logits records the logits of a step's targets. It also records what all rows need,
	// such as keys that later rows see, where nothing is drawn.
	Logits(g nn.Graph, h *nn.Value) *nn.Value
	// Sample records the sampling of tokens, u32 [m, words], from the combined logits.
	Sample(g *nn.Inference, logits *gpu.Tensor, mask *gpu.Tensor) *gpu.Tensor
	// Outputs is the number of logits of a token.
	Outputs() int
}

// Refiner is a head that makes a token in several passes over the step's targets, such as a
// denoiser. A pass is a row of a table. The engine records the logits behind the trunk,
// replays a recorded pass over them, and draws what the passes left.
type Refiner interface {
	Head
	// Passes is the number of rows of the table.
	Passes() int
	// Prepare records what the rows of the table say to the network, f32 [passes, d]. It
	// runs once.
	Prepare(g *nn.Inference) *gpu.Tensor
	// Pass records one pass.
	Pass(g *nn.Inference, r *Refinement)
}

// StagedRefiner is a refiner whose passes depend on the stage of the trunk.
type StagedRefiner interface {
	Refiner
	Staged()
}

// PartialRefiner is a refiner of the targets of some stages. Those of others are drawn from their
// logits, as a head's that refines nothing, and have a TokenRange.
type PartialRefiner interface {
	Refiner
	Refines(stage int) bool
}

// SpaciousHead is a head whose logits take temporaries beyond a few rows as wide as a hidden
// state, such as one that compares each row with many states.
type SpaciousHead interface {
	Head
	// Space is the number of f32 elements that a sequence's step takes at most.
	Space() int
}

// MappedRefiner is a refiner whose passes look at a whole map of tokens, of which the targets
// of a request are some.
type MappedRefiner interface {
	Refiner
	Map() int // tokens; 0: the passes look at none
}

// ProposingRefiner is a refiner whose passes propose tokens and check proposals, where their
// Refinement has a Draft.
type ProposingRefiner interface {
	Refiner
	Proposes()
}

// Refinement is what a refiner's pass works on.
type Refinement struct {
	*refine.State             // of m targets
	Branches      int         // of guidance, at least 2; 1 without
	Rest          *gpu.Tensor // f32 [slots, tokens, c+1], of a MappedRefiner; see refine.Renorm
	Prepared      *gpu.Tensor // f32 [passes, d], see Refiner
	Logits        *gpu.Tensor // f32 [branches·m, outputs], of the head
	Recorded      *refine.Recorded
	Draft         *refine.Draft // of a step that proposes or checks; nil: none
}

// Joiner is a head that joins the branches of guidance in a way of its own. Of n·m rows of
// logits, branch by branch, it makes m. Picks and scales are those of g.Rows.
type Joiner interface {
	Head
	Join(g *nn.Inference, logits *gpu.Tensor) *gpu.Tensor
}

// Constraint masks the tokens that may be drawn: u32 [m, ceil(values/32)], a bit each.
type Constraint interface {
	Mask(g *nn.Inference) *gpu.Tensor
	// DataWords is the number of words that the constraint reads of a request, see Prompt; 0: none.
	DataWords() int
}

// Sampling says how tokens are drawn.
type Sampling struct {
	Temperature float64 `json:"temperature"`     // 0: the likeliest
	TopK        int     `json:"top_k,omitempty"` // 0: off
	TopP        float64 `json:"top_p,omitempty"` // 0 or 1: off
	MinP        float64 `json:"min_p,omitempty"` // 0: off
	Guidance    float64 `json:"guidance,omitempty"`
}
