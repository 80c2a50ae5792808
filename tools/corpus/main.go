package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/morton-gen/morton/gpu"
)

// commands are the corpora by name. Each parses its own flags and prints what
// it made.
var commands = map[string]func(ctx context.Context, args []string, out io.Writer) error{
	"quads":  makeQuads,
	"shapes": makeShapes,
	"rigs":   makeRigs,
	"video":  makeVideo,
	"tokens": makeTokens,
	"train":  trainVideo,
}

func main() {
	gpu.AllowEnvironment()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: corpus quads|shapes|rigs|video|tokens|train [flags]; -h after a name shows its flags")
		os.Exit(2)
	}
	err := commands[os.Args[1]](ctx, os.Args[2:], os.Stdout)
	if err == flag.ErrHelp {
		os.Exit(0)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "corpus:", err)
		os.Exit(1)
	}
}
