package worker

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/morton-gen/morton/transforms"
)

// metricsVariable names where the workers of this machine serve their metrics.
const metricsVariable = "MORTON_METRICS_ADDR"

// ServeMetrics serves the metrics of this process, see [transforms.Metrics], at
// http://ADDR/metrics until stop is called. An address without a host is on loopback.
func ServeMetrics(addr string) (at string, stop func() error, err error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", nil, err
	}
	if host == "" {
		host = "localhost"
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return "", nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(transforms.Metrics, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second}))
	server := &http.Server{Handler: mux, ReadTimeout: 10 * time.Second, MaxHeaderBytes: 1 << 14}
	over := make(chan error, 1)
	go func() { over <- server.Serve(listener) }()
	return listener.Addr().String(), func() error {
		err := server.Close()
		if serr := <-over; !errors.Is(serr, http.ErrServerClosed) {
			err = errors.Join(err, serr)
		}
		return err
	}, nil
}

// CheckMetrics returns an error if the environment names an address for the workers'
// metrics that is none, so that a pool says so before its workers do.
func CheckMetrics() error {
	addr := os.Getenv(metricsVariable)
	if addr == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return fmt.Errorf("%s: %w", metricsVariable, err)
	}
	return nil
}

// serveWorkerMetrics serves a worker's metrics where the environment says so. A second
// worker of a machine finds the address taken, and works without.
func serveWorkerMetrics() (stop func() error) {
	addr := os.Getenv(metricsVariable)
	if addr == "" {
		return func() error { return nil }
	}
	_, stop, err := ServeMetrics(addr)
	if err != nil {
		fmt.Fprintf(os.Stderr, "morton: worker: no metrics: %s: %v\n", metricsVariable, err)
		return func() error { return nil }
	}
	return stop
}
