// Package video reads and writes video files through FFmpeg's libraries: it probes
// them, decodes them frame by frame to RGB in bounded memory, and encodes MP4. It is
// not for sound, for live streams or pipes, nor for cutting a clip into tokens
// (codecs/cube).
//
//	c, info, err := video.ReadClip(ctx, "in.mov", video.Options{
//		Rate: clip.Rate{Num: 8, Den: 1}, W: 64, H: 64, Fit: video.Crop, MaxFrames: 48,
//	})
//	if errors.Is(err, video.ErrNoVideoStream) {
//		…
//	}
//	err = video.Encode(ctx, "out.mp4", c, video.EncodeOptions{})
//
// # What is read
//
// Containers: MP4, MOV and 3GP, Matroska and WebM, AVI, MPEG (program, transport and
// elementary streams), Ogg, FLV, ASF (WMV), MXF, GIF, IVF, Y4M, and bare H.264, HEVC and
// MPEG-4 streams. Transport and program streams may start inside a packet.
//
// Codecs: H.264, HEVC, VP6, VP8, VP9, AV1, MPEG-1, MPEG-2, MPEG-4 part 2, H.263, Theora,
// MJPEG, JPEG 2000, DV, ProRes, DNxHD, CineForm, PNG, QuickTime Animation, FFV1, HuffYUV, Ut
// Video, MagicYUV, V210 and other uncompressed pictures, GIF, Sorenson H.263 (FLV), the
// Microsoft MPEG-4 codecs, WMV 1 to 3 and VC-1.
//
// Anything else is refused before FFmpeg sees it: the file's first bytes choose the
// demuxer, and no demuxer that opens further files or addresses can be chosen. Of several
// video streams the one marked as default is read, else the largest; never a cover.
//
// # What a frame is
//
// [h, w, 3] bytes, full-range RGB, upright: the display matrix is applied (quarter turns
// and mirrorings), and the matrix coefficients and range of the stream are respected. A
// stream that does not name its matrix is taken as BT.709 from 1280 columns or 577 rows
// on and as BT.601 below, as most players do. Primaries and transfer curves are not
// converted, so high-dynamic-range material stays flat; fields are not deinterlaced.
// Samples that are not square become square when a size is asked for, and are left alone
// at the source's own size.
//
// Letters: t frames, h rows, w columns, pts presentation time.
package video
