package video

import "github.com/asticode/go-astiav"

// decodable is what the tests decode, by FFmpeg's name of the format. FFmpeg knows some
// 250 more, few of them in use and most of them rarely fuzzed. Names and not go-astiav's
// constants, since AV1 has none there.
var decodable = map[string]bool{
	"h264":       true,
	"hevc":       true,
	"vp8":        true,
	"vp9":        true,
	"av1":        true,
	"mpeg1video": true,
	"mpeg2video": true,
	"mpeg4":      true,
	"mjpeg":      true,
	"theora":     true,
	"prores":     true,
	"dnxhd":      true,
	"ffv1":       true,
}

// decoderFor is nil if the codec is not on the list or FFmpeg was built without it.
func decoderFor(id astiav.CodecID) *astiav.Codec {
	if !decodable[id.Name()] {
		return nil
	}
	return astiav.FindDecoder(id)
}
