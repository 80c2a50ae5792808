// Package dataflow runs graphs on Google's Dataflow. Beam's runner makes the request and
// stages the graph and the worker's binary. The rest is done here, as package jobserver
// does it for job servers: the job's id is known, it is followed to its end, a cancelled job
// is no success, and the end of the launcher cancels it.
//
//	service, err := dataflow.Dial(ctx, dataflow.Endpoint("", project, region))
//	if err != nil {
//		return err
//	}
//	id, err := service.Submit(ctx, job)
//	if err != nil {
//		return err
//	}
//	return service.Follow(ctx, id, func(s jobserver.State) { fmt.Println(s) })
//
// Credentials are Google's application default ones. The package knows nothing of what a
// job does. It was run against a fake of the service alone (package dataflowtest).
package dataflow
