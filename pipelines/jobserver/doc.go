// Package jobserver runs graphs on a job server of Beam's: Flink's, a Prism that stands
// alone, or one in this process. It submits a job, follows it to its end and cancels it.
// Beam's own client does not say which job it began, cannot cancel it, and takes a
// cancelled job for one that is done. This package knows nothing of what a job does.
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
