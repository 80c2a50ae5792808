package systems_test

import (
	"fmt"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// arpgRuns are the authors' greedy runs, in their random order.
var arpgRuns = []struct {
	name     string
	guidance float32
	ramp     system.Ramp
	config   string // beside the sizes
}{
	{"greedy", 1, system.Constant, ""},
	{"greedy_cfg3_linear", 3, "", ""},
	{"greedy_cfg2_cosine", 2, system.Constant, `, "sample_schedule": "cosine"`},
}

const arpgConfig = `{"n_head": 4, "block_size": 36, "num_iter": 7%s}`

// TestARPG compares the sets and every token of greedy runs with the authors' code. Both
// samples run at once.
func TestARPG(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "arpg")
		order := g.ints(t, "order")
		for _, r := range arpgRuns {
			published := must(system.Detect(nn.File(g.weights)))(t)
			s := must(published.Open(fmt.Appendf(nil, arpgConfig, r.config), nn.File(g.weights)))(t)
			e := must(engine.New(dev, s, nn.File(g.weights), engine.Options{Slots: 4, Precision: nn.F32}))(t)
			want, sizes := g.ints(t, r.name+".tokens"), g.ints(t, r.name+".sizes")
			var requests []engine.Request
			for b, class := range g.ints(t, "in.cond") {
				p := system.Prompt{Class: int(class), Guidance: r.guidance, Ramp: r.ramp, Order: order}
				var sets []int32
				for _, run := range runsOf(t, s, p) {
					if run.GroupTargets > 0 {
						sets = append(sets, int32(run.GroupTargets))
					}
				}
				if fmt.Sprint(sets) != fmt.Sprint(sizes) {
					t.Errorf("%s: sets of %v, want %v", r.name, sets, sizes)
				}
				requests = append(requests, request(s, fmt.Sprint(b), p, 0))
			}
			for b, res := range together(t, e, requests) {
				for i, x := range res.Tokens {
					if int32(x) != want[b*len(res.Tokens)+i] {
						t.Fatalf("%s: sample %d: token %d is %d, want %d", r.name, b, i, x, want[b*len(res.Tokens)+i])
					}
				}
			}
			e.Close()
		}
	})
}

// TestARPGWaypoints compares every block of both halves with the authors' code, at every
// set of a greedy run.
func TestARPGWaypoints(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "arpg")
		s := must(must(system.Detect(nn.File(g.weights)))(t).Open(fmt.Appendf(nil, arpgConfig, ""), nn.File(g.weights)))(t)
		d := must(engine.NewDecoder(dev, s, nn.File(g.weights), engine.DecoderOptions{Slots: 2, Precision: nn.F32, Cache: nn.F32, Trace: true}))(t)
		defer d.Free()
		tokens, worst := g.ints(t, "greedy.tokens"), 0.0
		n := len(tokens) / 2
		for b, class := range g.ints(t, "in.cond") {
			given := make([]uint32, n)
			for i := range given {
				given[i] = uint32(tokens[b*n+i])
			}
			if err := d.SetTokens(b, 0, given); err != nil {
				t.Fatal(err)
			}
			at := map[string]int{} // rows of a value that are compared
			for _, run := range runsOf(t, s, system.Prompt{Class: int(class), Order: g.ints(t, "order"), Ramp: system.Constant}) {
				names := []string{"self0", "self1"}
				if run.Stage == 1 {
					names = []string{"cross0", "cross1", "logits"}
				}
				done := steps(t, d, b, run)[0]
				for _, name := range names {
					all := g.floats(t, "tf."+name)
					all = all[b*len(all)/2 : (b+1)*len(all)/2]
					mark := name
					if name == "logits" {
						mark = "head.weight"
					}
					got, w := must(d.Traced(done, mark))(t), 64
					e := distance(got[:run.N*w], all[at[name]*w:][:run.N*w])
					worst = max(worst, e)
					if e > bound {
						t.Errorf("sample %d: %s of rows %d to %d is off by %.1e", b, name, at[name], at[name]+run.N, e)
					}
					at[name] += run.N
				}
			}
		}
		t.Logf("arpg: largest relative error at any waypoint %.1e", worst)
	})
}
