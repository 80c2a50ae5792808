// Package container detects the format of a video file by its first bytes, and whether
// the file ends before its top-level structure does. It reads bytes alone and does not
// use FFmpeg.
//
// It is not for codecs and streams (see codecs/video).
//
//	head := make([]byte, container.HeadBytes)
//	n, _ := file.ReadAt(head, 0)
//	format := container.Detect(head[:n])
//	if format.Demuxer == "" {
//		return nil // sound, or not a media file
//	}
//	truncated := container.CutShort(file, size, format)
package container
