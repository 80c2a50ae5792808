// Package video reads and writes video files through FFmpeg's libraries: it probes them,
// decodes them frame by frame to RGB in bounded memory, and encodes MP4. It is not for
// sound, live streams or pipes, or for splitting a clip into cubes (see codecs/cube).
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
// Anything else is rejected before FFmpeg reads it: the file's first bytes select the
// demuxer, and none that opens further files or addresses can be selected. Of several video
// streams the default one is read, else the largest; never a cover.
//
// # What a frame is
//
// A frame is [h, w, 3] bytes, full-range RGB, upright. The display matrix (quarter turns and
// reflections) is applied, and so are the stream's matrix coefficients and range. A stream
// without matrix coefficients is taken as BT.709 from 1280 columns or 577 rows on and as
// BT.601 below, as most players do. Primaries and transfer curves are not converted, so
// high-dynamic-range video looks flat. Fields are not deinterlaced. Samples become square if
// a size is given, and stay as they are at the source's own size.
//
// Letters: t frames, h rows, w columns, pts presentation time.
package video
