package report

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/request"
)

// Result is one line of results.jsonl. Paths are relative to the run's folder,
// except the request's input, which is as given.
type Result struct {
	request.Request
	Action string `json:"action"` // generate, tokenize or detokenize
	Model  string `json:"model"`
	Device string `json:"device,omitempty"` // that the model ran on, see family.OnDevice

	Output string `json:"output,omitempty"` // MP4, PNG, GLB or safetensors
	OBJ    string `json:"obj,omitempty"`
	Poster string `json:"poster,omitempty"`
	Shard  string `json:"shard,omitempty"` // path of the shard with the tokens

	TokenCount   int    `json:"tokens"`        // in the sample
	Drawn        int    `json:"drawn"`         // sampled by the model
	TokensSHA256 string `json:"tokens_sha256"` // of the tokens as 8-byte little-endian numbers

	OutputFrames int `json:"output_frames,omitempty"`
	GivenFrames  int `json:"given_frames,omitempty"` // of Frames, from the input

	Truncated     bool     `json:"truncated,omitempty"`      // the input ends early
	Damaged       bool     `json:"damaged,omitempty"`        // some frames of the input are wrong or missing
	DamagedFrames int      `json:"damaged_frames,omitempty"` // approximate number
	MadeBy        string   `json:"made_by,omitempty"`        // the method, where there are several
	ClassName     string   `json:"class_name,omitempty"`     // if the model names its classes
	Notes         []string `json:"notes,omitempty"`          // how the result differs from the request

	Measures family.Measures `json:"measures,omitempty"`

	BytesRead    int64 `json:"read_bytes,omitempty"` // of the input
	BytesWritten int64 `json:"written_bytes"`        // of media and tokens

	Seconds float64 `json:"seconds"`        // of generating on the device, or of reading and tokenizing
	Waited  float64 `json:"waited_seconds"` // for room on the device
	Skipped bool    `json:"skipped"`        // done by an earlier run
}

// Failure is one line of failures.jsonl: an input without a result.
type Failure struct {
	ID      string         `json:"id"`
	Family  request.Family `json:"family"` // empty if unknown
	Input   string         `json:"input"`
	Action  string         `json:"action,omitempty"` // of the run, as in a result
	Stage   string         `json:"stage"`            // decode, tokenize, generate, detokenize or write
	Kind    string         `json:"kind"`             // see [Kind]
	Message string         `json:"message"`

	Extra request.Extra `json:"extra,omitempty"`
}

// validate rejects a row that no run writes, such as one of a file elsewhere.
func (r *Result) validate() error {
	if err := r.Request.Validate(); err != nil {
		return err
	}
	for _, path := range []string{string(r.Family), r.Output, r.OBJ, r.Poster, r.Shard} {
		if path != "" && !filepath.IsLocal(path) {
			return fmt.Errorf("path %q is not in the run's folder", path)
		}
	}
	return nil
}

// validate rejects a row that no run writes.
func (f *Failure) validate() error {
	if f.Family != "" && !filepath.IsLocal(string(f.Family)) {
		return fmt.Errorf("family %q", f.Family)
	}
	return nil
}

// Outcome is the result or failure of one request: one field is set.
type Outcome struct {
	Done   *Result  `json:"done,omitempty"`
	Failed *Failure `json:"failed,omitempty"`
}

// key identifies the request of an outcome.
type key struct {
	family request.Family
	id     string
}

func (r *Result) key() key  { return key{r.Family, r.ID} }
func (f *Failure) key() key { return key{f.Family, f.ID} }

func (o *Outcome) key() key {
	if o.Done != nil {
		return o.Done.key()
	}
	return o.Failed.key()
}

func (o *Outcome) input() string {
	if o.Done != nil {
		return o.Done.Input
	}
	return o.Failed.Input
}

func byKey(a, b key) int {
	return cmp.Or(cmp.Compare(a.family, b.family), cmp.Compare(a.id, b.id))
}

// Fail describes the error of one request.
func Fail(r request.Request, stage string, err error) Outcome {
	return Outcome{Failed: &Failure{
		ID: r.ID, Family: r.Family, Input: r.Input, Stage: stage, Kind: Kind(err), Message: Message(err),
		Extra: r.Extra,
	}}
}

// Messages are for users. The function that failed, as "obj.Read: ", and the system call
// are removed. A temporary file is named by its place.
var (
	places = regexp.MustCompile(`\b[a-z]+\.[A-Z][A-Za-z]*: `)
	begins = regexp.MustCompile(`^(?:(?:checkpoint|engine|gpu|models|nn|order|pipelines|request|shard|system|systems): )+`)
	calls  = regexp.MustCompile(`(^|: )(?:open|read|stat|statat) `)
)

// Message returns the text of an error for users.
func Message(err error) string { return Plain(err.Error()) }

// Plain returns a text with errors in it for users.
func Plain(text string) string {
	text = places.ReplaceAllString(atomicfile.Visible(text), "")
	return calls.ReplaceAllString(begins.ReplaceAllString(text, ""), "$1")
}
