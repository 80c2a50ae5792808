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
  --runner flink       needs --endpoint HOST:PORT of Beam's job server (8099, not Flink's 8081)
  --runner dataflow    needs --project, --region and --staging_location gs://...

On Flink and Dataflow pass --worker_binary "$(command -v morton)" too: Beam would build a worker without
cgo, and so without FFmpeg and Vulkan. Inputs and --out must be on a file system that every worker mounts.

`)
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	for _, f := range beamFlags() {
		fmt.Fprintf(w, "  --%s\t%s\n", f.Name, firstLine(f.Usage))
	}
	return w.Flush()
}
