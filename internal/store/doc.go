// Package store reads and writes places by their names: paths of this machine, and objects
// such as s3://bucket/key and gs://bucket/key. A name without a scheme goes to package os
// and to atomicfile, so it behaves there as it always did.
//
// An object is put whole: a reader sees the old bytes or the new ones. A put may require
// that nothing stands at its place, or the object of a known tag ([Tag]), so that two
// writers never overwrite each other unseen. Folders of a store are prefixes of keys.
// There is nothing to make, to lock or to sync.
//
//	info, err := store.Stat("s3://clips/a.mp4")
//	copied, err := store.Fetch(ctx, "s3://clips/a.mp4", 1<<30)
//	if err != nil {
//		return err
//	}
//	defer copied.Remove()
//	… read copied.Path
//
// Requests that fail with HTTP 429 or 5xx, or without an answer, are repeated by the
// clients of the stores, up to eight times, later and later. Those whose answer breaks off
// are repeated here. Then the error wraps [ErrUnavailable].
//
// Credentials come from where the clients look for them, never from a place's name. The
// package is not for listing millions of objects at once, nor for the models' and media
// packages, which take files.
package store
