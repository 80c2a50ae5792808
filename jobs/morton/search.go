package main

import (
	"slices"
	"strings"

	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/request"
)

// addSearch adds the flags of a search among candidates.
func (g *generateFlags) addSearch() {
	f := g.flags
	f.IntVar(&g.search.Candidates, "candidates", 0, "sample `N` candidates of each result, and keep the best by --verifier; each takes a slot, or two with guidance")
	f.StringVar(&g.search.Verifier, "verifier", "", "score candidates by `NAME`: "+strings.Join(verifiers(), ", "))
	f.IntVar(&g.search.CompareEvery, "compare-every", 0, "beam search: compare the unfinished candidates every `N` steps, and copy the best over the others; 0 compares finished ones")
	f.IntVar(&g.search.Keep, "keep", 0, "with --compare-every: the `N` best candidates go on; 0 is one")
}

func verifiers() (names []string) {
	for _, v := range models.Verifiers() {
		names = append(names, v.Name)
	}
	return names
}

// takeSearch reads the flags of a search.
func (k *generateKind) takeSearch() error {
	if k.search == (request.Search{}) && !k.flags.Changed("candidates") {
		return nil
	}
	if k.search.Candidates == 0 {
		return k.usagef("--verifier, --keep and --compare-every need --candidates")
	}
	names := models.VerifierNames(string(k.base.Family))
	switch {
	case len(names) == 0:
		return k.usagef("--candidates needs a verifier, and none scores %s", k.base.Family)
	case k.search.Verifier == "":
		return k.usagef("--candidates needs a --verifier: %s", strings.Join(names, ", "))
	}
	k.base.Search = &k.search
	check := request.Request{ID: "a", Family: k.base.Family, Search: k.base.Search}
	if err := check.Validate(); err != nil {
		return k.usagef("%s", plain(err))
	}
	if err := checkSearch(&check); err != nil {
		return k.usagef("%s", plain(err))
	}
	return nil
}

// checkSearch rejects a search that a request's kind does not support.
func checkSearch(r *request.Request) error {
	return family.SearchOf(r).Check(string(r.Family))
}

// searchSlots returns the slots that the widest search needs, twice as many with
// guidance of images and clips. It is 0, the engine's default, if that is enough.
func searchSlots(requests []request.Request) int {
	slots := 0
	for _, r := range requests {
		if r.Search == nil {
			continue
		}
		n := r.Search.Candidates
		if slices.Contains([]request.Family{request.Image, request.Video}, r.Family) {
			n *= 2
		}
		slots = max(slots, n)
	}
	if slots <= engine.DefaultSlots {
		return 0
	}
	return slots
}
