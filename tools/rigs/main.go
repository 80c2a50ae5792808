// Command rigs measures a model of rigs on held-out samples beside three baselines, and makes a picture of
// rigs.
//
//	go run ./tools/rigs measure --model model/ --train corpus/rigs/train/rigs.parquet --heldout corpus/rigs/heldout/rigs.parquet
//	go run ./tools/rigs picture --truth corpus/rigs/heldout --out rigs.jpg out/dog.glb out/hand.glb
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

var errFlags = errors.New("wrong use")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "rigs:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case "measure":
			return measure(ctx, args[1:], out)
		case "picture":
			return picture(args[1:])
		}
	}
	return fmt.Errorf("%w: rigs measure or rigs picture; -h behind it shows its flags", errFlags)
}
