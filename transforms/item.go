package transforms

import (
	"encoding/json"
	"errors"
	"reflect"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// Item is a request passing through fused stages, with their results so far.
type Item struct {
	Request request.Request
	Media   family.Media   // after Decode
	Result  *family.Result // after Tokenize, Generate or Detokenize

	Condition family.Condition // of the input, as far as it was read

	inputs *family.Inputs // local copies that Media reads, until it is tokenized
	read   int64          // bytes of the input
	row    *report.Result // what was written, if it was
	wrote  time.Duration  // how long the writing took
}

// ErrNotFused reports a runner that did not fuse two stages that pass media.
var ErrNotFused = errors.New("stages that pass media must be fused")

func init() {
	beam.RegisterCoder(reflect.TypeOf((*Item)(nil)), refuseItem, refuseBytes)
	beam.RegisterCoder(reflect.TypeOf((*request.Request)(nil)).Elem(), encodeRequest, decodeRequest)
	beam.RegisterCoder(reflect.TypeOf((*report.Outcome)(nil)).Elem(), encodeOutcome, decodeOutcome)
}

func refuseItem(*Item) ([]byte, error)  { return nil, ErrNotFused }
func refuseBytes([]byte) (*Item, error) { return nil, ErrNotFused }

func encodeRequest(r request.Request) ([]byte, error) { return json.Marshal(r) }

func decodeRequest(data []byte) (r request.Request, err error) {
	err = json.Unmarshal(data, &r)
	return r, err
}

func encodeOutcome(o report.Outcome) ([]byte, error) { return json.Marshal(o) }

func decodeOutcome(data []byte) (o report.Outcome, err error) {
	err = json.Unmarshal(data, &o)
	return o, err
}
