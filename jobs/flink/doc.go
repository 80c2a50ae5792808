// Package flink holds the tests of Morton on a real Flink, which scripts/test-flink runs:
// a job server with a Flink inside, and a session cluster with two task managers. Results
// are compared with those of the direct runner, byte by byte. The tests have a build tag,
// since they need Java, some 400 MB of jars, and a network namespace of their own.
package flink
