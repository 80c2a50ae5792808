package video

import "github.com/asticode/go-astiav"

// decodable lists the codecs that the tests decode, by FFmpeg's name, and related ones for
// which FFmpeg has no encoder to make a test: VP6, VC-1, WMV 3 and the first Microsoft
// MPEG-4. FFmpeg has some 250 more, which are rarely used and rarely fuzzed. The keys are
// names, since go-astiav has no constant for AV1.
var decodable = map[string]bool{
	// distribution and cameras
	"h264": true, "hevc": true, "vp8": true, "vp9": true, "av1": true, "theora": true,
	"mpeg1video": true, "mpeg2video": true, "mpeg4": true, "h263": true, "mjpeg": true, "dvvideo": true,
	// editing and archives
	"prores": true, "dnxhd": true, "cfhd": true, "jpeg2000": true, "png": true, "qtrle": true,
	"ffv1": true, "huffyuv": true, "ffvhuff": true, "utvideo": true, "magicyuv": true, "v210": true, "rawvideo": true,
	// old files
	"gif": true, "flv1": true, "vp6": true, "vp6a": true, "vp6f": true,
	"msmpeg4v1": true, "msmpeg4v2": true, "msmpeg4v3": true, "wmv1": true, "wmv2": true, "wmv3": true, "vc1": true,
}

// decoderFor returns nil if the codec is not on the list or FFmpeg was built
// without it.
func decoderFor(id astiav.CodecID) *astiav.Codec {
	if !decodable[id.Name()] {
		return nil
	}
	return astiav.FindDecoder(id)
}
