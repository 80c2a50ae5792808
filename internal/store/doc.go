// Package store reads and writes places: local paths, and objects such as s3://bucket/key
// and gs://bucket/key. A name without a scheme is passed to package os and atomicfile.
//
// Puts are atomic: a reader sees the old bytes or the new ones. A put may require a free
// place, or an object with a known tag ([Tag]), so two writers never overwrite each other
// unnoticed. Folders of a store are prefixes of keys, which are not created, locked or
// synced.
//
//	info, err := store.Stat("s3://clips/a.mp4")
//	copied, err := store.Fetch(ctx, "s3://clips/a.mp4", 1<<30)
//	if err != nil {
//		return err
//	}
//	defer copied.Remove()
//	… read copied.Path
//
// The stores' clients repeat requests that fail with HTTP 429 or 5xx or without a
// response, up to eight times with growing pauses. This package repeats those whose
// response breaks off. After that the error wraps [ErrUnavailable].
//
// Credentials come from the clients' usual sources, never from a place's name. The package
// is not for listing millions of objects at once, nor for the packages of models and
// media, which read files.
package store
