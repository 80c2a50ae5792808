package worker

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestServeMetrics asks for the metrics of this process, on loopback.
func TestServeMetrics(t *testing.T) {
	at, stop, err := ServeMetrics(":0")
	if err != nil {
		t.Fatal(err)
	}
	if host, _, err := net.SplitHostPort(at); err != nil || !net.ParseIP(host).IsLoopback() {
		t.Errorf("at %s: %v", at, err)
	}
	get := func(path string) (int, string) {
		t.Helper()
		r, err := http.Get("http://" + at + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r.StatusCode, string(text)
	}
	code, text := get("/metrics")
	for _, want := range []string{"morton_in_flight 0", "morton_device_memory_bytes", "process_resident_memory_bytes", "# HELP morton_queue_wait_seconds"} {
		if code != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%d, no %q:\n%s", code, want, text)
		}
	}
	if code, _ := get("/debug/pprof/"); code != http.StatusNotFound {
		t.Errorf("something else is served: %d", code)
	}
	if _, _, err := ServeMetrics(at); err == nil {
		t.Error("the same address twice")
	}
	t.Setenv(metricsVariable, at)
	if err := serveWorkerMetrics()(); err != nil { // says so, and goes on
		t.Error(err)
	}
	if err := CheckMetrics(); err != nil {
		t.Error(err)
	}
	t.Setenv(metricsVariable, "garbage")
	if err := CheckMetrics(); err == nil {
		t.Error("a pool takes an address without a port")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := http.Get("http://" + at + "/metrics"); err == nil {
		t.Error("it serves on")
	}
	if _, _, err := ServeMetrics("9464"); err == nil {
		t.Error("an address without a colon")
	}
}
