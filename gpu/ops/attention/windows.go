package attention

// Window divides the rows of a sequence into windows of Size rows, within which rows see
// each other. Of a window neighbours lie Dilation rows apart: stretches of Size·Dilation
// rows have as many windows as that. Shift rows are missing at the start of the first
// stretch, so that windows lie elsewhere than without.
//
// Source: Wei et al., "OctGPT: Octree-based Multiscale Autoregressive Models for 3D Shape
// Generation", 2025, arXiv:2504.09975; windows along a curve, Wang, "OctFormer:
// Octree-based Transformers for 3D Point Clouds", 2023, arXiv:2305.03045.
type Window struct{ Size, Dilation, Shift int }

// Spans appends the windows of a sequence of n rows from row first on, see Args.Spans. Windows
// without a row are left out.
func (w Window) Spans(to []int32, first, n int) []int32 {
	stretch := w.Size * w.Dilation
	for begin := -w.Shift; begin < n; begin += stretch {
		for j := begin; j < begin+w.Dilation; j++ {
			lo := 0 // of the window's rows, the first that there is
			if j < 0 {
				lo = (-j + w.Dilation - 1) / w.Dilation
			}
			at := j + lo*w.Dilation
			if rows := min((n-at+w.Dilation-1)/w.Dilation, w.Size-lo); at < n && rows > 0 {
				to = append(to, int32(first+at), int32(rows), int32(w.Dilation))
			}
		}
	}
	return to
}

// Most is the most windows that so many rows of so many sequences have.
func (w Window) Most(rows, sequences int) int {
	return (rows/(w.Size*w.Dilation) + 2*sequences) * w.Dilation
}
