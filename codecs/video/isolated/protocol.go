package isolated

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/morton-gen/morton/codecs/video"
)

// Operations of a request.
const (
	opOpen  = "open"
	opProbe = "probe"
	opCount = "count"
	opStop  = "stop"
)

// First bytes of a reply.
const (
	replyOpened = 'O'
	replyFrame  = 'F'
	replyEnd    = 'E'
	replyError  = 'X'
)

// request asks a child for one thing. Paths are bytes, since they need not be UTF-8.
type request struct {
	Op      string        `json:"op"`
	Path    []byte        `json:"path,omitempty"`
	Folder  []byte        `json:"folder,omitempty"` // the working directory
	Options video.Options `json:"options"`
}

// message is a reply other than a frame.
type message struct {
	Info    video.Info `json:"info"`
	W       int        `json:"w,omitempty"` // of the frames to come
	H       int        `json:"h,omitempty"`
	Failure *failure   `json:"failure,omitempty"`
	Last    bool       `json:"last,omitempty"` // the child has met damage, and is not to be used again
}

// maxMessage bounds the JSON of a request or a reply. Paths have at most 4 kB.
const maxMessage = 1 << 16

// frameHeader is what a frame says besides its pixels.
type frameHeader struct {
	at             time.Duration
	damaged, jumps uint32
	truncated      bool
}

const frameHeaderBytes = 8 + 4 + 4 + 1

func (h *frameHeader) put(b []byte) {
	binary.LittleEndian.PutUint64(b, uint64(h.at))
	binary.LittleEndian.PutUint32(b[8:], h.damaged)
	binary.LittleEndian.PutUint32(b[12:], h.jumps)
	b[16] = 0
	if h.truncated {
		b[16] = 1
	}
}

func (h *frameHeader) get(b []byte) {
	h.at = time.Duration(binary.LittleEndian.Uint64(b))
	h.damaged, h.jumps = binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
	h.truncated = b[16] != 0
}

// writeJSON writes a length and v's JSON, after a first byte if it is not 0, in one write.
func writeJSON(w io.Writer, first byte, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(data) > maxMessage {
		return fmt.Errorf("a message of %d bytes, at most %d", len(data), maxMessage)
	}
	var b bytes.Buffer
	if first != 0 {
		b.WriteByte(first)
	}
	b.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(data))))
	b.Write(data)
	_, err = w.Write(b.Bytes())
	return err
}

// readJSON reads a length and that much JSON into v.
func readJSON(r io.Reader, v any) error {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return err
	}
	n := binary.LittleEndian.Uint32(length[:])
	if n > maxMessage {
		return fmt.Errorf("a message of %d bytes, at most %d", n, maxMessage)
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(r, data); err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}
