package container

import (
	"bufio"
	"io"
)

// cutGIF reads a GIF block by block up to its trailer:
//
//	6 signature, 4 screen size, 1 flags, 2 of colours, colour table
//	0x21 1 label, sub-blocks                                  an extension
//	0x2c 8 place, 1 flags, colour table, 1 width, sub-blocks  a picture
//	0x3b                                                      the trailer
//
// A colour table has 3·2^(n+1) bytes if its flag is set, n in the last three
// bits. A sub-block is its length and that many bytes; a length of zero ends
// them.
func cutGIF(r io.ReaderAt, size int64) bool {
	b := gifReader{bufio.NewReader(io.NewSectionReader(r, 0, size))}
	if b.skip(10) != nil || b.table(2) != nil {
		return true
	}
	for {
		kind, err := b.ReadByte()
		switch {
		case err != nil:
			return true
		case kind == 0x21:
			err = b.skip(1)
		case kind == 0x2c:
			if err = b.skip(8); err == nil {
				err = b.table(1)
			}
		default: // the trailer, or a byte at which FFmpeg ends too
			return false
		}
		if err != nil || b.blocks() != nil {
			return true
		}
	}
}

type gifReader struct{ *bufio.Reader }

func (b gifReader) skip(n int) error {
	_, err := b.Discard(n)
	return err
}

// table skips flags, a colour table, and after further bytes.
func (b gifReader) table(after int) error {
	flags, err := b.ReadByte()
	if err != nil {
		return err
	}
	n := after
	if flags&0x80 != 0 {
		n += 3 << (flags&7 + 1)
	}
	return b.skip(n)
}

// blocks skips sub-blocks.
func (b gifReader) blocks() error {
	for {
		n, err := b.ReadByte()
		if err != nil || n == 0 {
			return err
		}
		if err := b.skip(int(n)); err != nil {
			return err
		}
	}
}
