// Package isolated decodes videos in child processes, so that a file on which FFmpeg
// crashes, hangs or runs out of memory costs that file and nothing else. Frames and errors
// are those of package video, to the bit. It is not for encoding, which reads no file.
//
//	func main() {
//		isolated.Enable() // first: the children are this program
//		…
//		var d isolated.Decoder
//		r, err := d.Open(ctx, "in.mov", video.Options{})
//		if errors.Is(err, isolated.ErrCrashed) {
//			…
//		}
//
// A program that does not call [Enable] decodes in its own process, as with [Decoder.InProcess].
//
// # Children
//
// A child is the program's own binary, begun again with the argument "decode-child". It
// serves one request at a time, and many one after the other, since starting it takes
// longer than a short clip. It ends with its parent: on Linux by a signal of the kernel,
// and everywhere when its standard input is closed. One that crashes, breaks the protocol
// or has met a damaged file is not used again.
//
// A crash may be the late effect of an earlier file. So where a child that has served
// others crashes, the file is decoded again in a new one, and only a second crash is the
// file's.
//
// # Protocol
//
// Requests go to the child's standard input, replies come from its file 3. Numbers are
// little-endian. A request is a length (u32) and JSON. A reply begins with a byte:
//
//	'O'  opened     length u32, JSON of message
//	'F'  frame      time i64 (ns), damaged frames u32, jumps u32, truncated u8, then 3·w·h bytes
//	'E'  the end    length u32, JSON of message
//	'X'  an error   length u32, JSON of message
//
// An open request is answered by 'O', frames, and 'E' or 'X'; the others by 'E' or 'X'. The
// request "stop" ends an open one early, which is answered by 'E' or 'X' as well. The
// parent trusts no reply: lengths and counts are bounded before anything is allocated.
package isolated
