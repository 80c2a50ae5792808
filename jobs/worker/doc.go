// Package worker implements the processes that do a runner's work, all in this binary:
//
//   - a worker ([Main]) serves one job of a runner. It ends with its parent, or when the
//     runner has no more work for it.
//   - boot code ([Boot]) is what a runner starts as a process or in a container. It fetches
//     the binary that the job's launcher has sent, and runs it as a worker.
//   - a pool ([Pool]) starts workers for any number of jobs that ask it over the network.
//
// Beam has programs for all three. But its worker and the copy of the binary outlive the
// job, and its pool serves one job at a time and listens on every interface. The protocol
// is Beam's, https://s.apache.org/beam-fn-api-container-contract.
package worker
