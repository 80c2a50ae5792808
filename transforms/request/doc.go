// Package request describes the work of a run: one small struct per item, with a JSON form. Requests come from file
// patterns or from a manifest. Their ids are unique and valid as file names.
//
// It is not for reading the inputs themselves, and does not depend on Beam.
//
//	paths, err := request.Match([]string{"clips/*.mp4"})
//	if err != nil {
//		return err
//	}
//	requests, err := request.FromPaths(paths, request.Request{Family: request.Video, Seed: 1, Prefix: 16, Frames: 48})
package request
