package main

import (
	"context"
	"embed"
	"fmt"
	"text/tabwriter"
)

// The texts are written, not made from the flags, to read well; a test holds
// that each names every flag of its command.
//
//go:embed help/*.txt
var helpTexts embed.FS

func runHelp(_ context.Context, t terminal, args []string) error {
	if len(args) == 0 || wantsHelp(args[0]) {
		args = []string{"morton"}
	}
	if args[0] == "beam" {
		return helpBeam(t)
	}
	text, err := helpTexts.ReadFile("help/" + args[0] + ".txt")
	if err != nil {
		var known []string
		for _, c := range commands() {
			known = append(known, c.name)
		}
		return usagef("", "no help on %q%s", args[0], suggest(args[0], append(known, "beam")))
	}
	_, err = t.out.Write(text)
	return err
}

// helpBeam lists the flags that Beam's runners have registered.
func helpBeam(t terminal) error {
	fmt.Fprint(t.out, `Beam's own flags, for commands that run a pipeline (generate, tokenize, detokenize).

  --runner direct      in this process, one bundle at a time, no port opened (the default)
  --runner prism       in this process, with several workers; it listens on all network interfaces
  --runner universal   a runner that is up already, such as Beam's prism command: needs --endpoint HOST:PORT
  --runner flink       needs --endpoint HOST:PORT of Beam's job server (8099, not Flink's 8081)
  --runner dataflow    needs --project, --region and --staging_location gs://...

Who does the work, on universal and flink
  --environment_type LOOPBACK   this process; for a runner on this machine, and what universal does by itself
  --environment_type EXTERNAL   a worker pool: --environment_config HOST:PORT
  --environment_type DOCKER     containers: --environment_config IMAGE, which must have FFmpeg and Vulkan

Workers are sent this binary. Inputs, --model and --out must be on a file system that every worker mounts;
relative paths are made absolute.

`)
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	for _, f := range beamFlags() {
		fmt.Fprintf(w, "  --%s\t%s\n", f.Name, firstLine(f.Usage))
	}
	return w.Flush()
}
