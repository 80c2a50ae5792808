package motion

import (
	"math"
	"slices"

	"github.com/morton-gen/morton/codecs/clip"
)

// Vectors are motion vectors of the cells of a frame, which lie in Rows rows and Cols columns.
// They are differences from motion that goes on. What stands in a cell moved by Y pixels a frame
// further down, and by X further to the right, than a [Field] says.
type Vectors struct {
	Rows, Cols int
	Y, X       []float32 // of each cell, in raster order
}

// NewVectors returns vectors of zero, which change nothing.
func NewVectors(rows, cols int) *Vectors {
	return &Vectors{Rows: rows, Cols: cols, Y: make([]float32, rows*cols), X: make([]float32, rows*cols)}
}

func (v *Vectors) same(a, b int) bool { return v.Y[a] == v.Y[b] && v.X[a] == v.X[b] }

// zero reports whether a cell keeps its motion.
func (v *Vectors) zero(i int) bool { return v.Y[i] == 0 && v.X[i] == 0 }

// Compensate corrects continued, which [Field.Continue] returned, by motion vectors. A pixel
// is a mixture of what the vectors of the four nearest cells make of it (overlapped block motion
// compensation, Orchard and Sullivan, 1994).
func (f *Field) Compensate(continued *clip.Clip, v *Vectors) *clip.Clip {
	out := clip.New(continued.T, f.h, f.w, f.rate)
	copy(out.Pix, continued.Pix)
	for y := range f.h {
		y0, y1, fy := between((float32(y)+0.5)*float32(v.Rows)/float32(f.h)-0.5, v.Rows)
		for x := range f.w {
			x0, x1, fx := between((float32(x)+0.5)*float32(v.Cols)/float32(f.w)-0.5, v.Cols)
			cells := [4]int{y0*v.Cols + x0, y0*v.Cols + x1, y1*v.Cols + x0, y1*v.Cols + x1}
			if v.zero(cells[0]) && v.zero(cells[1]) && v.zero(cells[2]) && v.zero(cells[3]) {
				continue
			}
			for t := range out.T {
				p := f.moved(v, cells, y, x, float32(t+1))
				for c := range p[0] {
					p[0][c] = mix4(p[0][c], p[1][c], p[2][c], p[3][c], fy, fx)
				}
				round8(out.Frame(t)[(y*f.w+x)*3:], p[0])
			}
		}
	}
	return out
}

// moved is what stands at a pixel t frames behind the end by the vectors of each of four cells.
func (f *Field) moved(v *Vectors, cells [4]int, y, x int, t float32) (p [4][3]float32) {
	for k, cell := range cells {
		if like := slices.IndexFunc(cells[:k], func(c int) bool { return v.same(c, cell) }); like >= 0 {
			p[k] = p[like]
			continue
		}
		p[k] = f.sample(float32(y)-float32(t*v.Y[cell]), float32(x)-float32(t*v.X[cell]), t)
	}
	return p
}

// Parameters of the search for motion vectors.
const (
	overlap = 2 // pixels around a cell that are compared too
	fine    = 2 // places a pixel at which frames are compared
	worth   = 1 // brightness by which a vector must improve on zero
)

// Search returns the vectors that bring continued, which [Field.Continue] returned, nearest to
// the frames of truth. Each cell's Y and X are places in levels, which are pixels a frame; one of
// them is 0. It tries all pairs of levels.
func Search(continued, truth *clip.Clip, levels []float32, rows, cols int) (y, x []int) {
	most := float32(0)
	for _, v := range levels {
		most = max(most, abs(v))
	}
	s := search{h: truth.H, w: truth.W, edge: int(math.Ceil(float64(most)*float64(truth.T))) + 1}
	for t := range truth.T {
		s.now = append(s.now, luma(truth.Frame(t), s.h, s.w, 0))
		s.continued = append(s.continued, phases(luma(continued.Frame(t), s.h, s.w, s.edge), s.h+2*s.edge, s.w+2*s.edge))
	}
	s.sums, s.row = newTable(s.h, s.w), make([]float32, s.w)
	y, x = make([]int, rows*cols), make([]int, rows*cols)
	best, high, wide := make([]float32, rows*cols), s.h/rows, s.w/cols
	for k := range best {
		best[k] = math.MaxFloat32
	}
	for i, v := range levels {
		for j, u := range levels {
			s.compare(v, u)
			least := float32(worth)
			if v == 0 && u == 0 {
				least = 0
			}
			for k := range best {
				if m := s.sums.mean(k/cols*high, k%cols*wide, high, wide, overlap, truth.T) + least; m < best[k] {
					best[k], y[k], x[k] = m, i, j
				}
			}
		}
	}
	return y, x
}

// search compares frames that are shifted evenly.
type search struct {
	h, w, edge int
	now        [][]float32              // luma of each frame
	continued  [][fine * fine][]float32 // of each frame with an edge, moved by each part of a pixel
	sums       table
	row        []float32 // of differences
}

// compare fills the table with those of continued frames that are moved by v and u pixels a
// frame.
func (s *search) compare(v, u float32) {
	wide := s.w + 2*s.edge
	for y := range s.h {
		clear(s.row)
		for t, now := range s.now {
			dy, dx := (s.edge+y)*fine-round(float32(t+1)*v*fine), s.edge*fine-round(float32(t+1)*u*fine)
			a, b := now[y*s.w:][:len(s.row)], s.continued[t][dy%fine*fine+dx%fine][dy/fine*wide+dx/fine:][:len(s.row)]
			for x := range s.row {
				s.row[x] += abs(a[x] - b[x])
			}
		}
		s.sums.add(y, s.row)
	}
}

// phases returns a frame moved up and left by each part of a pixel.
func phases(in []float32, h, w int) (out [fine * fine][]float32) {
	for i := range out {
		out[i] = make([]float32, h*w)
		for y := range h {
			y0, y1, fy := between(float32(y)+float32(i/fine)/fine, h)
			for x := range w {
				x0, x1, fx := between(float32(x)+float32(i%fine)/fine, w)
				out[i][y*w+x] = mix4(in[y0*w+x0], in[y0*w+x1], in[y1*w+x0], in[y1*w+x1], fy, fx)
			}
		}
	}
	return out
}
