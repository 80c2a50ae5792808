package draw

import (
	"image"
	"image/color"
	"math"

	"github.com/morton-gen/morton/mesh"
)

// canvas holds the samples of a picture, row by row from the top. x is to the
// right, y down and z towards the viewer, all in samples.
type canvas struct {
	size   int
	depth  []float64 // z of the nearest surface
	face   []int32   // face seen, -1 for none
	colour []color.RGBA
}

var (
	paper = color.RGBA{255, 255, 255, 255}
	ink   = color.RGBA{25, 30, 45, 255}
	front = mesh.Vec3{222, 228, 238}
	back  = mesh.Vec3{225, 120, 105}
	bone  = mesh.Vec3{235, 130, 40}
)

func newCanvas(size int) *canvas {
	c := &canvas{size: size, depth: make([]float64, size*size), face: make([]int32, size*size), colour: make([]color.RGBA, size*size)}
	for i := range c.depth {
		c.depth[i], c.face[i], c.colour[i] = math.Inf(-1), -1, paper
	}
	return c
}

// place projects the vertices of m and scales them to fill the canvas up to a
// margin of 4%. It returns how it moves a point.
func (c *canvas) place(m *mesh.Mesh, o Options) (move func(mesh.Vec3) mesh.Vec3) {
	sinA, cosA := math.Sincos(o.Azimuth * math.Pi / 180)
	sinE, cosE := math.Sincos(o.Elevation * math.Pi / 180)
	project := func(p mesh.Vec3) mesh.Vec3 {
		x, z := cosA*p[0]-sinA*p[2], sinA*p[0]+cosA*p[2]
		return mesh.Vec3{x, -(cosE*p[1] - sinE*z), sinE*p[1] + cosE*z}
	}
	for v, p := range m.Vertices {
		m.Vertices[v] = project(p)
	}
	lo, hi := mesh.Bounds(m)
	size := hi.Sub(lo)
	scale := 0.92 * float64(c.size) / max(size[0], size[1], 1e-9)
	middle := lo.Add(hi).Scale(0.5)
	half := float64(c.size) / 2
	fill := func(p mesh.Vec3) mesh.Vec3 { return p.Sub(middle).Scale(scale).Add(mesh.Vec3{half, half, 0}) }
	for v, p := range m.Vertices {
		m.Vertices[v] = fill(p)
	}
	return func(p mesh.Vec3) mesh.Vec3 { return fill(project(p)) }
}

// surface draws a placed mesh, whose fronts and backs have the given colours.
func (c *canvas) surface(m *mesh.Mesh, front, back mesh.Vec3) {
	triangles, faceOf := mesh.Triangulate(m)
	for t := range triangles.NumFaces() {
		corner := triangles.Face(t)
		c.triangle([3]mesh.Vec3{m.Vertices[corner[0]], m.Vertices[corner[1]], m.Vertices[corner[2]]}, faceOf[t])
	}
	c.shade(m, front, back)
}

// fade lightens what is drawn, and lets what comes next be drawn over it.
func (c *canvas) fade() {
	pale := func(x uint8) uint8 { return 255 - (255-x)/2 }
	for i, x := range c.colour {
		c.depth[i], c.face[i], c.colour[i] = math.Inf(-1), -1, color.RGBA{pale(x.R), pale(x.G), pale(x.B), 255}
	}
}

// triangle fills the samples whose centre lies in the triangle where it is
// nearest. Fronts are moved slightly towards the viewer, so that of two
// coincident faces back to back the front is visible.
func (c *canvas) triangle(p [3]mesh.Vec3, face int32) {
	area := side(p[0], p[1], p[2])
	if area == 0 {
		return
	}
	hair := 0.0
	if area < 0 { // y points down: clockwise on the canvas is a front
		hair = 1e-6 * float64(c.size)
	}
	x0, x1 := c.span(min(p[0][0], p[1][0], p[2][0]), max(p[0][0], p[1][0], p[2][0]))
	y0, y1 := c.span(min(p[0][1], p[1][1], p[2][1]), max(p[0][1], p[1][1], p[2][1]))
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			q := mesh.Vec3{float64(x) + 0.5, float64(y) + 0.5}
			a, b := side(p[1], p[2], q)/area, side(p[2], p[0], q)/area
			if a < 0 || b < 0 || a+b > 1 {
				continue
			}
			z := a*p[0][2] + b*p[1][2] + (1-a-b)*p[2][2] + hair
			if i := y*c.size + x; z > c.depth[i] {
				c.depth[i], c.face[i] = z, face
			}
		}
	}
}

// side is twice the signed area of a, b, q on the canvas.
func side(a, b, q mesh.Vec3) float64 {
	return (b[0]-a[0])*(q[1]-a[1]) - (b[1]-a[1])*(q[0]-a[0])
}

// span returns the samples from lo to hi, clipped to the canvas.
func (c *canvas) span(lo, hi float64) (first, end int) {
	return max(0, int(lo)), min(c.size, int(hi)+1)
}

// shade colours the samples by face normal.
func (c *canvas) shade(m *mesh.Mesh, front, back mesh.Vec3) {
	light := mesh.Vec3{-0.4, -0.5, 0.77}.Unit()
	shades := make([]color.RGBA, m.NumFaces())
	for f := range shades {
		n, base := mesh.FaceNormal(m, f), front
		n = n.Scale(-1) // y points down, which mirrors
		if n[2] < 0 {
			n, base = n.Scale(-1), back
		}
		lit := base.Scale(0.45 + 0.55*max(0, n.Dot(light)))
		shades[f] = color.RGBA{uint8(lit[0]), uint8(lit[1]), uint8(lit[2]), 255}
	}
	for i, f := range c.face {
		if f >= 0 {
			c.colour[i] = shades[f]
		}
	}
}

// line draws an edge where no surface hides it. A small depth tolerance lets
// edges of the surface itself pass.
func (c *canvas) line(a, b mesh.Vec3) {
	d := b.Sub(a)
	steps := int(max(math.Abs(d[0]), math.Abs(d[1]))) + 1
	slack := 0.004*float64(c.size) + math.Abs(d[2])/float64(steps)
	for i := range steps + 1 {
		p := a.Add(d.Scale(float64(i) / float64(steps)))
		c.dot(int(p[0]), int(p[1]), p[2]+slack)
	}
}

// dot inks the samples within 1 of x, y whose surface is not nearer than z.
func (c *canvas) dot(x, y int, z float64) {
	for j := max(0, y-1); j <= min(c.size-1, y+1); j++ {
		for i := max(0, x-1); i <= min(c.size-1, x+1); i++ {
			if s := j*c.size + i; z >= c.depth[s] && (i == x || j == y) {
				c.colour[s] = ink
			}
		}
	}
}

// picture averages the samples of every pixel.
func (c *canvas) picture(size int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			var sum [3]int
			for s := range samples * samples {
				from := c.colour[(y*samples+s/samples)*c.size+x*samples+s%samples]
				sum[0], sum[1], sum[2] = sum[0]+int(from.R), sum[1]+int(from.G), sum[2]+int(from.B)
			}
			const n = samples * samples
			out.SetRGBA(x, y, color.RGBA{uint8(sum[0] / n), uint8(sum[1] / n), uint8(sum[2] / n), 255})
		}
	}
	return out
}
