package main

import (
	"errors"
	"flag"
	"io"
	"strconv"
	"strings"

	// File systems and runners register themselves, and their flags with them. These are
	// those of package beamx that --runner takes; its others compile for 11 s.
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/gcs"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/local"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/dataflow"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/direct"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/flink"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal"
)

// flagSet is one subcommand's flags, over Beam's where it runs a pipeline.
type flagSet struct {
	*flag.FlagSet
	own []string // names that are not Beam's
}

func newFlags(name string) *flagSet {
	f := &flagSet{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError)}
	f.SetOutput(io.Discard) // we print errors and help ourselves
	return f
}

// addBeam lets the subcommand set Beam's flags. They live in the flag package's
// global set, where a second definition of a name panics, so ours have a set of
// their own that hands Beam's on; a name of ours that Beam has too is ours.
func (f *flagSet) addBeam() {
	f.VisitAll(func(g *flag.Flag) { f.own = append(f.own, g.Name) })
	for _, g := range beamFlags() {
		if f.Lookup(g.Name) == nil {
			f.Var(beamFlag{g}, g.Name, g.Usage)
		}
	}
}

// beamFlags returns what Beam has registered, but for what the boot code of a
// worker passes and the test package's own.
func beamFlags() []*flag.Flag {
	hidden := map[string]bool{
		"worker": true, "id": true, "logging_endpoint": true, "control_endpoint": true, "semi_persist_dir": true, "options": true,
	}
	var all []*flag.Flag
	flag.VisitAll(func(g *flag.Flag) {
		if !hidden[g.Name] && !strings.HasPrefix(g.Name, "test.") {
			all = append(all, g)
		}
	})
	return all
}

// beamFlag sets a flag of Beam's where Beam looks: only those set in the global
// set travel to the workers.
type beamFlag struct{ *flag.Flag }

func (b beamFlag) Set(s string) error { return flag.Set(b.Name, s) }
func (b beamFlag) String() string     { return b.Value.String() }

// IsBoolFlag lets a flag stand without a value, as Beam's own set does.
func (b beamFlag) IsBoolFlag() bool {
	v, ok := b.Value.(interface{ IsBoolFlag() bool })
	return ok && v.IsBoolFlag()
}

// names returns every flag that parse takes.
func (f *flagSet) names() []string {
	var all []string
	f.VisitAll(func(g *flag.Flag) { all = append(all, g.Name) })
	return all
}

// parse reads flags wherever they stand and returns the other words.
func (f *flagSet) parse(args []string) ([]string, error) {
	var words []string
	for {
		if err := f.Parse(args); err != nil {
			return nil, f.explain(err)
		}
		if f.NArg() == 0 {
			return words, nil
		}
		rest := f.Args()
		if n := len(args) - len(rest); n > 0 && args[n-1] == "--" {
			return append(words, rest...), nil
		}
		if n := len(args) - len(rest); n > 0 && f.looksLikeValue(args[n-1], rest[0]) {
			return nil, usagef(f.Name(), "%s: a word of its own is an input; say --%s=%s", f.Name(), strings.TrimLeft(args[n-1], "-"), rest[0])
		}
		words, args = append(words, rest[0]), rest[1:]
	}
}

// looksLikeValue reports whether a word was meant for the flag before it, which
// takes none, as in "--overwrite false".
func (f *flagSet) looksLikeValue(flagWord, word string) bool {
	if _, err := strconv.ParseBool(word); err != nil || len(word) < 2 || !strings.HasPrefix(flagWord, "-") {
		return false
	}
	known := f.Lookup(strings.TrimLeft(flagWord, "-"))
	if known == nil {
		return false
	}
	b, ok := known.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

// explain puts the flag package's error in our words.
func (f *flagSet) explain(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		return usagef(f.Name(), "%s: unknown flag --%s%s", f.Name(), name, suggest(name, f.names()))
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return usagef(f.Name(), "%s: --%s needs a value", f.Name(), name)
	}
	return usagef(f.Name(), "%s: %s", f.Name(), strings.ReplaceAll(text, "flag -", "flag --"))
}

// given reports whether the command line sets a flag.
func (f *flagSet) given(name string) bool {
	found := false
	f.Visit(func(g *flag.Flag) { found = found || g.Name == name })
	return found
}

// once is a flag that may not be given again: the last would hide the others.
type once string

func (o *once) String() string { return string(*o) }
func (o *once) Set(s string) error {
	if *o != "" {
		return errors.New("given twice")
	}
	*o = once(s)
	return nil
}

// list is a flag that may be given several times.
type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }
