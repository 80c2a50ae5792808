// Package jobserver runs graphs on a Beam job server: Flink's, a separate Prism, or one
// in this process. It submits, follows and cancels jobs. Beam's own client does not
// return the job's id, cannot cancel it, and reports a cancelled job as done. It is not
// for what a job does (see pipelines).
//
//	server, err := jobserver.Dial(ctx, "localhost:8099")
//	if err != nil {
//		return err
//	}
//	defer server.Close()
//	id, err := server.Submit(ctx, job)
//	if err != nil {
//		return err
//	}
//	return server.Follow(ctx, id, func(s jobserver.State) { fmt.Println(s) })
package jobserver
