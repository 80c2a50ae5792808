package request

import (
	"strings"
	"testing"
	"time"
)

func TestVariantsAreApart(t *testing.T) {
	// b-1.mp4 has the name that the first variant of b.mp4 would have.
	requests, err := FromPaths([]string{"a.mp4", "b.mp4", "b-1.mp4", strings.Repeat("x", 200) + ".mp4"}, Request{Family: Video})
	if err != nil {
		t.Fatal(err)
	}
	if one := Variants(requests, 1); one[0].ID != "a" || len(one) != len(requests) {
		t.Errorf("one of each: %d requests, the first is %s", len(one), one[0].ID)
	}
	all := Variants(requests, 3)
	if len(all) != 12 || all[0].ID != "a-1" || all[2].ID != "a-3" {
		t.Fatalf("%d variants, from %s to %s", len(all), all[0].ID, all[2].ID)
	}
	// A second round would name b's third b-1-1, as the first of b-1 is: it must be told apart.
	all = Variants(append(all, requests...), 2)
	seen := map[string]bool{}
	for _, r := range all {
		if key := Fold(r.ID); seen[key] || !IsName(r.ID) || r.Validate() != nil {
			t.Errorf("id %q is taken or no name", r.ID)
		} else {
			seen[key] = true
		}
	}
}

func TestWindows(t *testing.T) {
	requests, err := FromPaths([]string{"talk.mp4", "empty.mp4"}, Request{Family: Video})
	if err != nil {
		t.Fatal(err)
	}
	got := Windows(requests, func(r Request) []Time {
		if r.ID == "empty" {
			return nil
		}
		return []Time{0, Time(90500 * time.Millisecond)}
	})
	if len(got) != 2 || got[0].ID != "talk-0s" || got[1].ID != "talk-1m30.5s" || got[1].Start != Time(90500*time.Millisecond) {
		t.Errorf("windows %+v", got)
	}
}
