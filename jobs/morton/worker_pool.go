package main

import (
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"github.com/morton-gen/morton/jobs/worker"
)

func workerPoolCommand(t terminal) *cobra.Command {
	c := newCommand("worker-pool", "worker-pool")
	listen := c.Flags().String("listen", "localhost:50000", "listen on `HOST:PORT`; whoever reaches it can run programs here")
	c.Args = noWords
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := worker.CheckMetrics(); err != nil {
			return usagef("worker-pool", "worker-pool: %v", err)
		}
		l, err := net.Listen("tcp", *listen)
		if err != nil {
			return usagef("worker-pool", "worker-pool: --listen %s: %v", *listen, err)
		}
		fmt.Fprintf(t.err, "morton: workers for --environment_type EXTERNAL --environment_config %s\n", l.Addr())
		return worker.Serve(c.Context(), l, t.err)
	}
	return c
}
