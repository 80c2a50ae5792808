// Package flink tests Morton on a real Flink, run by scripts/test-flink: a job server
// with an embedded Flink, and a session cluster with two task managers. Results are
// compared with the direct runner's byte by byte. The tests have a build tag, since they
// need Java, some 400 MB of jars, and a network namespace of their own.
package flink
