package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/transforms/claim"
	"github.com/morton-gen/morton/transforms/request"
)

// leave writes what a result without media leaves, and returns its outcome.
func leave(t *testing.T, dir string, r request.Request, token int64) Outcome {
	t.Helper()
	return leaveOf(t, Generate, dir, r, token)
}

func leaveOf(t *testing.T, action, dir string, r request.Request, token int64) Outcome {
	t.Helper()
	tokens := []int64{token}
	done := Result{Request: r, Action: action, Model: "m", TokenCount: 1, Drawn: 1, TokensSHA256: HashTokens(tokens)}
	d, err := Deliver(dir, done, claim.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	path, err := d.Path(Place{r.Family, r.ID}.Tokens())
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteSample(path, shard.Sample{ID: r.ID, Kind: "k", Grid: []int32{1}, Tokens: tokens}); err != nil {
		t.Fatal(err)
	}
	if err := d.Finish(r.Fingerprint(action, "m"), "that", &done); err != nil {
		t.Fatal(err)
	}
	return Outcome{Done: &done}
}

func ids(t *testing.T, dir string) (done, failed []string) {
	t.Helper()
	results, err := ReadResults(dir)
	if err != nil {
		t.Fatal(err)
	}
	failures, err := ReadFailures(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		done = append(done, string(r.Family)+"/"+r.ID)
	}
	for _, f := range failures {
		failed = append(failed, string(f.Family)+"/"+f.ID)
	}
	return done, failed
}

// TestPublishAddsUp checks what stands in a folder after one run upon another.
func TestPublishAddsUp(t *testing.T) {
	dir := t.TempDir()
	quad := func(id string) request.Request { return request.Request{ID: id, Family: request.Quads} }
	shape := request.Request{ID: "a", Family: request.Shape}
	lost := errors.New("lost")
	left := func(action string, r request.Request, token int64) func() Outcome {
		return func() Outcome { return leaveOf(t, action, dir, r, token) }
	}
	failed := func(r request.Request) func() Outcome { return func() Outcome { return Fail(r, "decode", lost) } }
	type outcomes []func() Outcome
	for i, step := range []struct {
		outcomes     outcomes
		run          Run
		done, failed []string
	}{
		{outcomes{left(Generate, quad("b"), 2), left(Generate, quad("a"), 1)}, Run{}, []string{"quads/a", "quads/b"}, nil},
		{outcomes{left(Generate, shape, 3), failed(quad("c"))}, Run{}, []string{"quads/a", "quads/b", "shape/a"}, []string{"quads/c"}},
		{outcomes{failed(quad("a")), left(Generate, quad("c"), 4)}, Run{}, []string{"quads/b", "quads/c", "shape/a"}, []string{"quads/a"}},
		{outcomes{left(Tokenize, quad("t"), 5)}, Run{}, []string{"quads/b", "quads/c", "quads/t", "shape/a"}, []string{"quads/a"}},
		{outcomes{left(Tokenize, quad("d"), 6)}, Run{Own: request.Quads}, []string{"quads/b", "quads/c", "quads/d", "shape/a"}, []string{"quads/a"}},
	} {
		var all []Outcome
		for _, o := range step.outcomes {
			all = append(all, o())
		}
		step.run.Action, step.run.Begun = Generate, time.Now()
		if _, err := Publish(dir, all, step.run); err != nil {
			t.Fatal(err)
		}
		if done, failed := ids(t, dir); !reflect.DeepEqual(done, step.done) || !reflect.DeepEqual(failed, step.failed) {
			t.Fatalf("step %d: done %v, failed %v; want %v, %v", i, done, failed, step.done, step.failed)
		}
	}
	samples, err := shard.ReadAll(filepath.Join(dir, TokensFile(request.Quads)), shard.Limits{})
	if err != nil || len(samples) != 2 || samples[0].Tokens[0] != 2 || samples[1].Tokens[0] != 4 {
		t.Fatalf("joined tokens %+v: %v", samples, err)
	}
}

// TestPublishKeepsWhatHasNoTokens: quads along the surface have a row after runs of others,
// as long as their files are there.
func TestPublishKeepsWhatHasNoTokens(t *testing.T) {
	dir := t.TempDir()
	a := request.Request{ID: "a", Family: request.Quads, Method: request.MethodSurface}
	done := Result{Request: a, Action: Generate, Model: "m", Output: "quads/a.glb", TokensSHA256: HashTokens(nil)}
	d, err := Deliver(dir, done, claim.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	path, err := d.Path(done.Output)
	if err == nil {
		err = os.WriteFile(path, []byte("x"), 0o600)
	}
	if err := errors.Join(err, d.Finish(a.Fingerprint(Generate, "m"), "that", &done)); err != nil {
		t.Fatal(err)
	}
	outcomes := []Outcome{{Done: &done}}
	for i, want := range [][]string{{"quads/a"}, {"quads/a", "shape/0"}, {"shape/0", "shape/1"}} {
		if i > 0 {
			outcomes = []Outcome{leave(t, dir, request.Request{ID: strconv.Itoa(i - 1), Family: request.Shape}, int64(i))}
		}
		if i == 2 {
			if err := os.Remove(filepath.Join(dir, done.Output)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Publish(dir, outcomes, Run{Action: Generate, Asked: 1}); err != nil {
			t.Fatal(err)
		}
		if got, _ := ids(t, dir); !reflect.DeepEqual(got, want) {
			t.Errorf("run %d lists %v, want %v", i, got, want)
		}
	}
}

func TestDoneBelievesOnlyWhole(t *testing.T) {
	dir := t.TempDir()
	r := request.Request{ID: "a", Family: request.Quads}
	p := Place{r.Family, r.ID}
	key := r.Fingerprint(Generate, "m")
	if _, ok := Done(dir, key, "this", p); ok {
		t.Fatal("done before anything was")
	}
	leave(t, dir, r, 1)
	if done, ok := Done(dir, key, "this", p); !ok || !done.Skipped || done.ID != "a" {
		t.Fatalf("%+v, %v", done, ok)
	}
	if _, ok := Done(dir, r.Fingerprint(Generate, "another model"), "this", p); ok {
		t.Fatal("another model's result counts")
	}
	for _, data := range []string{"", "another file"} {
		if err := os.WriteFile(filepath.Join(dir, p.Tokens()), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, ok := Done(dir, key, "this", p); ok {
			t.Fatalf("done with %q for tokens", data)
		}
	}
	if err := os.Remove(filepath.Join(dir, p.Tokens())); err != nil {
		t.Fatal(err)
	}
	if _, ok := Done(dir, key, "this", p); ok {
		t.Fatal("done without tokens")
	}
	leave(t, dir, r, 1)
	if err := os.WriteFile(filepath.Join(dir, p.Marker()), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, ok := Done(dir, key, "this", p); ok {
		t.Fatal("half a marker counts")
	}
}

func TestRecoverTellsOldFromNew(t *testing.T) {
	dir := t.TempDir()
	requests := []request.Request{{ID: "a", Family: request.Quads}, {ID: "b", Family: request.Quads}, {ID: "c", Family: request.Quads}}
	leave(t, dir, requests[0], 1)
	leave(t, dir, requests[1], 2)
	p := Place{request.Quads, "b"}
	m, err := ReadMarker(dir, p)
	if err != nil {
		t.Fatal(err)
	}
	m.Run = "this"
	if err := m.put(dir, false); err != nil {
		t.Fatal(err)
	}
	got := Recover(dir, Generate, "m", "this", "", requests)
	if len(got) != 2 || !got[0].Done.Skipped || got[1].Done.Skipped {
		t.Fatalf("%d outcomes: %+v", len(got), got)
	}
}

func TestJoinTokensChecksHashes(t *testing.T) {
	dir := t.TempDir()
	o := leave(t, dir, request.Request{ID: "a", Family: request.Quads}, 1)
	o.Done.TokensSHA256 = HashTokens([]int64{2})
	err := JoinTokens(dir, filepath.Join(dir, "all.parquet"), []Result{*o.Done})
	if !errors.Is(err, shard.ErrCorrupt) {
		t.Fatalf("error %v, want shard.ErrCorrupt", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "all.parquet")); err == nil {
		t.Fatal("half a shard stands there")
	}
}

func TestBadRowsAreAnError(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ResultsFile), []byte("{}\nnot json\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadResults(dir); !errors.Is(err, ErrRows) {
		t.Fatalf("error %v, want ErrRows", err)
	}
	if _, _, err := readRows(dir, false); !errors.Is(err, ErrRows) || !strings.Contains(err.Error(), "--overwrite") {
		t.Errorf("a run's error is %v, without the way out", err)
	}
	if _, _, err := readRows(dir, true); err != nil {
		t.Errorf("with --overwrite: %v", err)
	}
}

// TestCheckFolderBesideOthers: while one run publishes into a folder, another that is about to
// begin there finds nothing changed. What a user changed is found, shorter than it was or not.
func TestCheckFolderBesideOthers(t *testing.T) {
	dir := t.TempDir()
	shape := request.Request{ID: "a", Family: request.Shape}
	publish := func(i int) {
		if _, err := Publish(dir, []Outcome{Fail(shape, "decode", fmt.Errorf("%d", i))}, Run{Action: Generate, Asked: 1}); err != nil {
			t.Error(err)
		}
	}
	publish(0)
	files := (&Run{Action: Generate}).Files([]request.Family{request.Quads})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for i := range 50 {
			publish(i)
		}
	}()
	checks := 0
	for running := true; running; checks++ {
		select {
		case <-ended:
			running = false
		default:
		}
		if err := CheckFolder(dir, claim.Policy{}, files...); err != nil {
			t.Fatalf("check %d: %v", checks, err)
		}
	}
	path := filepath.Join(dir, FailuresFile)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, changed := range []string{strings.Replace(string(data), `"a"`, `"bb"`, 1), strings.Replace(string(data), `"decode"`, `"x"`, 1)} {
		if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := CheckFolder(dir, claim.Policy{}, files...); !errors.Is(err, claim.ErrChanged) {
			t.Errorf("%s: %v", changed, err)
		}
		if err := CheckFolder(dir, claim.Policy{Overwrite: true}, files...); err != nil {
			t.Errorf("to overwrite: %v", err)
		}
	}
}

// TestDeliverDropsWhatIsNoMore: a result that another method makes anew, without tokens, leaves
// none of the earlier ones, so that the first method can make it again. Tokens that were
// changed stay.
func TestDeliverDropsWhatIsNoMore(t *testing.T) {
	dir := t.TempDir()
	r := request.Request{ID: "a", Family: request.Quads}
	tokens := filepath.Join(dir, Place{r.Family, r.ID}.Tokens())
	bare := func() {
		t.Helper()
		done := Result{Request: r, Action: Generate, Model: "m"}
		d, err := Deliver(dir, done, claim.Policy{Overwrite: true})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if err := d.Finish("f", "that", &done); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		leave(t, dir, r, 1)
		if _, err := os.Stat(tokens); err != nil {
			t.Fatal(err)
		}
		bare()
		if _, err := os.Stat(tokens); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("the tokens are there: %v", err)
		}
	}
	leave(t, dir, r, 1)
	if err := os.WriteFile(tokens, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	bare()
	if data, err := os.ReadFile(tokens); string(data) != "mine" {
		t.Errorf("tokens that were changed: %q, %v", data, err)
	}
}
