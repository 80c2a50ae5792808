package transforms

import (
	"context"
	"fmt"
	"hash/fnv"
	"io/fs"
	"syscall"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// projector is a model of the tests that tokenizes films: a token a frame. It fails as
// long as there are faults, each after five frames.
type projector struct {
	family.Model
	faults []error
}

func (*projector) Close() {}

func (*projector) Open(_ context.Context, r request.Request) (family.Media, error) {
	return family.Media{Film: &family.Film{Path: r.Input, Options: video.Options{Rate: clip.Rate{Num: 25, Den: 1}, W: 16, H: 16}}}, nil
}

func (p *projector) Tokenize(ctx context.Context, r request.Request, m family.Media) (shard.Sample, family.Measures, error) {
	s := shard.Sample{ID: r.ID, Kind: shard.KindCube}
	for frame, err := range m.Film.Frames(ctx) {
		if err != nil {
			return s, nil, err
		}
		if m.Film.Len() == 5 && len(p.faults) > 0 {
			err, p.faults = p.faults[0], p.faults[1:]
			return s, nil, err
		}
		h := fnv.New32a()
		h.Write(frame)
		s.Tokens = append(s.Tokens, int64(h.Sum32()))
	}
	return s, nil, nil
}

// project takes one input through Decode and Tokenize.
func project(t *testing.T, input string, faults ...error) (*Item, *report.Outcome, []Event) {
	t.Helper()
	f := request.Family(t.Name())
	p := &projector{faults: faults}
	family.Register(f, func(func() (*gpu.Device, error), family.Spec) (family.Model, error) { return p, nil })
	var events []Event
	Observe(func(e Event) { events = append(events, e) })
	defer Observe(nil)
	s := stage{Settings: Settings{Action: report.Tokenize}}
	decode, tokenize := &decodeFn{s}, &tokenizeFn{s}
	defer decode.Teardown()
	defer tokenize.Teardown()
	var done *Item
	var failed *report.Outcome
	fail := func(o report.Outcome) { failed = &o }
	err := decode.ProcessElement(context.Background(), request.Request{ID: "a", Family: f, Input: input}, func(it *Item) {
		if err := tokenize.ProcessElement(context.Background(), it, func(it *Item) { done = it }, fail); err != nil {
			t.Fatal(err)
		}
	}, fail)
	if err != nil {
		t.Fatal(err)
	}
	return done, failed, events
}

const city = "../testdata/video/city_320x180_25fps_48f.mp4"

// TestTokenizeReadsAgain checks that an attempt after a fault begins at the film's first
// frame, and gives what one without a fault gives.
func TestTokenizeReadsAgain(t *testing.T) {
	want, _, _ := project(t, city)
	again, failed, events := project(t, city, &fs.PathError{Op: "read", Path: "a", Err: syscall.ESTALE})
	if failed != nil {
		t.Fatalf("%+v", failed.Failed)
	}
	if len(want.Result.Sample.Tokens) != 48 || fmt.Sprint(again.Result.Sample) != fmt.Sprint(want.Result.Sample) {
		t.Errorf("%d tokens, with a fault %d", len(want.Result.Sample.Tokens), len(again.Result.Sample.Tokens))
	}
	if again.Result.Elapsed <= 0 {
		t.Error("tokenizing took no time")
	}
	if events[0].Kind != Begun || events[4].Frames != 4 || events[5].Frames != 1 || events[5].Of != 48 {
		t.Errorf("events %+v", events[:6])
	}
}

// TestTokenizeConditions checks what a film's file does to the row.
func TestTokenizeConditions(t *testing.T) {
	it, _, _ := project(t, "../codecs/video/testdata/cutfast.mp4")
	if !it.Condition.Truncated {
		t.Errorf("a truncated film: %+v", it.Condition)
	}
	_, failed, _ := project(t, "item.go")
	if failed == nil || failed.Failed.Stage != stageDecode || failed.Failed.Kind != "not_a_video" {
		t.Errorf("a text as a film: %+v", failed)
	}
	_, failed, _ = project(t, city, syscall.ENOSPC)
	if failed == nil || failed.Failed.Stage != stageTokenize {
		t.Errorf("a fault of the model: %+v", failed)
	}
}
