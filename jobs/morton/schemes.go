package main

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/pipelines"
)

// storeCommands are the commands that accept places in stores, as arguments and in the
// flags of storeFlags.
var storeCommands = []string{"generate", "tokenize", "detokenize", "remesh", "status", "wait", "cancel"}

// storeFlags are the flags of those commands that accept such places.
var storeFlags = []string{"input", "manifest", "out", "model", "draft", "text", "control"}

// checkStores returns the error of a store for which this machine lacks the settings, since
// all inputs there would fail by it. Other errors are an input's own.
func checkStores(job *pipelines.Job) error {
	asked := map[string]bool{}
	for i := range job.Requests {
		for _, place := range job.Requests[i].Files() {
			scheme := store.Scheme(place)
			if scheme == "" || asked[scheme] {
				continue
			}
			asked[scheme] = true
			if err := store.Reach(place); errors.Is(err, store.ErrSettings) {
				return err
			}
		}
	}
	return nil
}

// refuseSchemes rejects places that a command cannot open, such as hdfs://host/file, before
// anything is created: they would become local folders. Some of Beam's own flags accept
// them.
func refuseSchemes(c *cobra.Command, words []string) (err error) {
	top := c
	for top.HasParent() && top.Parent().HasParent() {
		top = top.Parent()
	}
	opens := slices.Contains(storeCommands, top.Name())
	refuse := func(flag, place string, served bool) {
		scheme := store.Scheme(place)
		switch {
		case err != nil:
		case scheme != "" && (!served || !store.Stored(place)):
			err = usagef(top.Name(), "%s: %s%s: %s places are not supported here; mount them, and name the folder", top.Name(), flag, store.Redacted(place), scheme)
		case served:
			if cerr := store.Check(place); cerr != nil {
				err = usagef(top.Name(), "%s: %s%s", top.Name(), flag, plain(cerr))
			}
		}
	}
	for _, word := range words {
		refuse("", word, opens)
	}
	c.Flags().Visit(func(f *pflag.Flag) {
		served := opens && slices.Contains(storeFlags, f.Name)
		switch v := f.Value.(type) {
		case beamFlag:
		case pflag.SliceValue:
			for _, place := range v.GetSlice() {
				refuse("--"+f.Name+" ", place, served)
			}
		default:
			refuse("--"+f.Name+" ", v.String(), served)
		}
	})
	return err
}
