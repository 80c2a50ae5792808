package video

import "github.com/asticode/go-astiav"

// decodable is what the tests decode, by FFmpeg's name of the format, and the kin of these
// for which FFmpeg has no encoder to make a test with: VP6, VC-1, WMV 3 and the first
// Microsoft MPEG-4. FFmpeg knows some 250 more, few of them in use and most of them rarely
// fuzzed. Names and not go-astiav's constants, since AV1 has none there.
var decodable = map[string]bool{
	// what is sent and filmed
	"h264": true, "hevc": true, "vp8": true, "vp9": true, "av1": true, "theora": true,
	"mpeg1video": true, "mpeg2video": true, "mpeg4": true, "h263": true, "mjpeg": true, "dvvideo": true,
	// what is edited and kept
	"prores": true, "dnxhd": true, "cfhd": true, "jpeg2000": true, "png": true, "qtrle": true,
	"ffv1": true, "huffyuv": true, "ffvhuff": true, "utvideo": true, "magicyuv": true, "v210": true, "rawvideo": true,
	// what is found in old files
	"gif": true, "flv1": true, "vp6": true, "vp6a": true, "vp6f": true,
	"msmpeg4v1": true, "msmpeg4v2": true, "msmpeg4v3": true, "wmv1": true, "wmv2": true, "wmv3": true, "vc1": true,
}

// decoderFor is nil if the codec is not on the list or FFmpeg was built without it.
func decoderFor(id astiav.CodecID) *astiav.Codec {
	if !decodable[id.Name()] {
		return nil
	}
	return astiav.FindDecoder(id)
}
