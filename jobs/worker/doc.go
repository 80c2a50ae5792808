// Package worker has the processes that do a runner's work, all of them this binary:
//
//   - a worker ([Main]) serves one job of a runner. It ends with its parent, and when the
//     runner has no more work for it.
//   - boot code ([Boot]) is what a runner starts as a process or in a container. It fetches
//     the binary that the job's launcher has sent, and runs it as a worker.
//   - a pool ([Pool]) starts workers for any number of jobs that ask it over the network.
//
// Beam has programs for all three. Its worker stays for ever when its job is over, and
// so does the copy of the binary; its pool takes one job at a time, and listens on every
// interface. The protocol is Beam's, https://s.apache.org/beam-fn-api-container-contract.
package worker
