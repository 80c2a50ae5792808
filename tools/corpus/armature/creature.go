package armature

import (
	"math"
	"math/rand/v2"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/rig"
)

// Creature is a family of creatures.
type Creature struct {
	Name    string
	HeldOut bool
	Times   int // samples for each of another family
	make    func(b *body)
}

// Creatures are all families.
var Creatures = []Creature{
	{"biped", false, 1, biped},
	{"quadruped", false, 1, quadruped},
	{"snake", false, 1, snake},
	{"fish", false, 1, fish},
	{"spider", false, 1, spider},
	{"bird", false, 1, bird},
	{"crane", false, 1, crane},
	{"plant", false, 1, plant},
	{"chimera", false, 8, chimera},
	{"hand", true, 1, hand},
	{"insect", true, 1, insect},
}

// Make makes a creature of the family.
func (c Creature) Make(r *rand.Rand) *rig.Rig {
	b := &body{Rand: r, rig: &rig.Rig{Mesh: &mesh.Mesh{}}}
	c.make(b)
	return b.rig
}

// body is a creature that grows limb by limb.
type body struct {
	*rand.Rand
	rig *rig.Rig
}

// about returns x within a quarter of itself.
func (b *body) about(x float64) float64 { return x * (0.75 + 0.5*b.Float64()) }

// limb adds a chain of joints at all points but the last, which is its tip, and a tube around
// them. It hangs on a joint, and returns the numbers of its own.
func (b *body) limb(parent int, radii []float64, points ...mesh.Vec3) (own []int) {
	for i, p := range points[:len(points)-1] {
		own = append(own, len(b.rig.Joints))
		b.rig.Joints = append(b.rig.Joints, rig.Joint{At: p, Parent: parent})
		parent = own[i]
	}
	const each = 4 // rings of a bone
	var rings []ring
	for i := range own {
		for k := range each {
			f := float64(k) / each
			at := points[i].Scale(1 - f).Add(points[i+1].Scale(f))
			rings = append(rings, ring{at, radii[i]*(1-f) + radii[i+1]*f, along(own, i, f)})
		}
	}
	last := len(points) - 1
	rings = append(rings, ring{points[last], radii[last], along(own, last-1, 1)})
	tube(b.rig, rings, 8)
	return own
}

// along are the influences at a share f of bone i: the joint's own, and near an end of the bone, half
// as much at the joint, those of the neighbour.
func along(own []int, i int, f float64) rig.Influences {
	all := []rig.Influence{{Joint: own[i], Weight: 1}}
	const reach = 0.5
	if f < reach && i > 0 {
		all = append(all, rig.Influence{Joint: own[i-1], Weight: 1 - f/reach})
	}
	if f > 1-reach && i+1 < len(own) {
		all = append(all, rig.Influence{Joint: own[i+1], Weight: (f - 1 + reach) / reach})
	}
	return rig.NewInfluences(all...)
}

// ring is a circle of a tube.
type ring struct {
	at      mesh.Vec3
	radius  float64
	follows rig.Influences
}

// tube adds a closed tube of quads, with a pole of triangles at both ends. A direction across it
// is carried along, so that it does not twist.
func tube(r *rig.Rig, rings []ring, sides int) {
	first := int32(len(r.Mesh.Vertices))
	across := mesh.Vec3{}
	for i, x := range rings {
		axis := rings[min(i+1, len(rings)-1)].at.Sub(rings[max(i-1, 0)].at).Unit()
		across = across.Sub(axis.Scale(axis.Dot(across))).Unit()
		if across == (mesh.Vec3{}) {
			across = axis.Cross(mesh.Vec3{0.3, 0.5, 0.8}).Unit()
		}
		other := axis.Cross(across)
		for k := range sides {
			sin, cos := math.Sincos(2 * math.Pi * float64(k) / float64(sides))
			r.Mesh.AddVertex(x.at.Add(across.Scale(cos * x.radius)).Add(other.Scale(sin * x.radius)))
			r.Weights = append(r.Weights, x.follows)
		}
	}
	n, last := int32(sides), int32(len(rings)-1)
	for i := range last {
		for k := range n {
			next := (k + 1) % n
			_ = r.Mesh.AddFace(first+i*n+k, first+i*n+next, first+(i+1)*n+next, first+(i+1)*n+k) // of its own vertices
		}
	}
	for end, at := range []int32{0, last} {
		pole := r.Mesh.AddVertex(rings[at].at)
		r.Weights = append(r.Weights, rings[at].follows)
		for k := range n {
			a, c := first+at*n+k, first+at*n+(k+1)%n
			if end == 0 {
				a, c = c, a
			}
			_ = r.Mesh.AddFace(pole, a, c)
		}
	}
}

func at(x, y, z float64) mesh.Vec3 { return mesh.Vec3{x, y, z} }

// sides calls do for both sides.
func sides(do func(side float64)) {
	do(1)
	do(-1)
}

func biped(b *body) {
	leg, trunk, arm, w := b.about(0.9), b.about(0.6), b.about(0.6), b.about(0.12)
	hip := at(0, leg, 0)
	up := func(f float64) mesh.Vec3 { return hip.Add(at(0, trunk*f, 0)) }
	spine := b.limb(rig.NoParent, []float64{w * 1.2, w * 1.1, w * 1.4, w * 0.6, b.about(0.15), 0.05}, hip, up(0.35), up(0.75), up(1), up(1.15), up(1.15).Add(at(0, b.about(0.28), 0)))
	splay, drop, foot := b.about(0.05), b.Float64(), b.about(0.2)
	sides(func(s float64) {
		shoulder := up(0.95).Add(at(s*w*1.6, 0, 0))
		out := at(s*(1-0.7*drop), -0.9*drop, 0).Unit().Scale(arm / 2)
		b.limb(spine[2], []float64{w * 0.55, w * 0.4, w * 0.3, w * 0.2}, shoulder, shoulder.Add(out), shoulder.Add(out.Scale(2)), shoulder.Add(out.Scale(2.4)))
		top := hip.Add(at(s*w, 0, 0))
		b.limb(spine[0], []float64{w * 0.8, w * 0.55, w * 0.4, w * 0.3}, top, at(s*(w+splay), leg*0.5, 0.02), at(s*(w+2*splay), 0.05, 0), at(s*(w+2*splay), 0.02, foot))
	})
}

func quadruped(b *body) {
	leg, trunk, w, neck := b.about(0.6), b.about(1), b.about(0.16), b.about(0.35)
	hip := at(0, leg, -trunk/2)
	along := func(f float64) mesh.Vec3 { return hip.Add(at(0, 0.05*math.Sin(math.Pi*f), trunk*f)) }
	head := along(1).Add(at(0, neck*b.about(0.9), neck*b.about(0.6)))
	spine := b.limb(rig.NoParent, []float64{w, w * 1.1, w * 1.2, w * 0.6, w * 0.8, w * 0.3}, hip, along(0.4), along(0.85), along(1).Add(head).Scale(0.5), head, head.Add(at(0, -0.05, b.about(0.3))))
	if b.IntN(4) > 0 {
		n, long := 2+b.IntN(3), b.about(0.5)
		points, radii := []mesh.Vec3{}, []float64{}
		for i := range n + 1 {
			f := float64(i) / float64(n)
			points, radii = append(points, hip.Add(at(0, 0.1-0.3*f*f*long, -w-long*f))), append(radii, w*0.3*(1.1-f))
		}
		b.limb(spine[0], radii, points...)
	}
	sides(func(s float64) {
		for i, f := range []float64{0.03, 0.92} {
			top, bend := along(f).Add(at(s*w*0.8, -0.03, 0)), 0.12*float64(1-2*i)
			b.limb(spine[2*i], []float64{w * 0.6, w * 0.4, w * 0.28, w * 0.3}, top, at(top[0], leg*0.55, top[2]+bend), at(top[0], leg*0.22, top[2]-bend*0.6), at(top[0], 0, top[2]+0.03))
		}
	})
}

func snake(b *body) {
	n, long, wave, w := 5+b.IntN(8), b.about(2), b.about(0.3), b.about(0.09)
	var points []mesh.Vec3
	var radii []float64
	phase := b.Float64() * 6
	for i := range n + 1 {
		f := float64(i) / float64(n)
		points, radii = append(points, at(wave*math.Sin(6*f+phase), w, long*(f-0.5))), append(radii, w*(0.3+1.4*math.Sin(math.Pi*(0.15+0.8*f))))
	}
	b.limb(rig.NoParent, radii, points...)
}

func fish(b *body) {
	long, w, n := b.about(1.4), b.about(0.18), 3+b.IntN(3)
	var points []mesh.Vec3
	var radii []float64
	for i := range n + 1 {
		f := float64(i) / float64(n)
		points, radii = append(points, at(0, 0.5, long*(0.5-f))), append(radii, w*(0.25+1.3*math.Sin(math.Pi*(0.12+0.8*f))))
	}
	spine := b.limb(rig.NoParent, radii, points...)
	sides(func(s float64) {
		b.limb(spine[1], []float64{w * 0.5, w * 0.4, w * 0.1}, points[1].Add(at(s*w, 0, 0)), points[1].Add(at(s*(w+0.15), -0.1, -0.08)), points[1].Add(at(s*(w+0.35), -0.2, -0.2)))
		tail := points[n]
		b.limb(spine[n-1], []float64{w * 0.4, w * 0.2}, tail, tail.Add(at(0, s*b.about(0.3), -0.25)))
	})
	if b.IntN(2) == 0 {
		b.limb(spine[1], []float64{w * 0.4, w * 0.15}, points[1].Add(at(0, w, 0)), points[1].Add(at(0, w+0.3, -0.2)))
	}
}

// legs adds pairs of legs that bend up and then down.
func (b *body) legs(to, pairs int, body float64, back func(i int) mesh.Vec3) {
	out, high, w := b.about(0.7), b.about(0.35), b.about(0.05)
	for i := range pairs {
		sweep := 0.9 * (float64(i)/float64(max(pairs-1, 1)) - 0.5)
		sides(func(s float64) {
			top := back(i).Add(at(s*body, 0, 0))
			dir := at(s*math.Cos(sweep), 0, math.Sin(sweep))
			b.limb(to, []float64{w, w * 0.8, w * 0.6, w * 0.3}, top, top.Add(dir.Scale(out*0.4)).Add(at(0, high*0.6, 0)), top.Add(dir.Scale(out*0.8)).Add(at(0, -high*0.2, 0)), top.Add(dir.Scale(out)).Add(at(0, -high, 0)))
		})
	}
}

func spider(b *body) {
	w := b.about(0.22)
	spine := b.limb(rig.NoParent, []float64{w * 0.5, w * 0.9, w * 1.1, w * 0.3}, at(0, 0.4, 0.25), at(0, 0.4, 0), at(0, 0.42, -0.35), at(0, 0.42, -0.8))
	b.legs(spine[0], 4, w*0.5, func(i int) mesh.Vec3 { return at(0, 0.4, 0.22-0.08*float64(i)) })
}

func insect(b *body) {
	w := b.about(0.14)
	spine := b.limb(rig.NoParent, []float64{w, w * 1.1, w * 0.8, w * 0.6, w * 0.2}, at(0, 0.35, -0.1), at(0, 0.36, 0.15), at(0, 0.38, 0.4), at(0, 0.38, 0.55), at(0, 0.35, 0.75))
	b.limb(spine[0], []float64{w * 0.5, w * 1.3, w * 0.3}, at(0, 0.35, -0.2), at(0, 0.35, -0.5), at(0, 0.3, -0.95))
	b.legs(spine[1], 3, w*0.8, func(i int) mesh.Vec3 { return at(0, 0.33, 0.3-0.15*float64(i)) })
	sides(func(s float64) {
		b.limb(spine[3], []float64{w * 0.15, w * 0.12, w * 0.1}, at(s*0.05, 0.42, 0.68), at(s*0.15, 0.6, 0.85), at(s*0.25, 0.65, 1.1))
	})
}

func bird(b *body) {
	w, leg, span := b.about(0.18), b.about(0.35), b.about(0.9)
	hip := at(0, leg, -0.1)
	spine := b.limb(rig.NoParent, []float64{w * 0.7, w * 1.1, w * 0.5, w * 0.6, w * 0.1}, hip, at(0, leg+0.12, 0.2), at(0, leg+0.35, 0.4), at(0, leg+0.5, 0.5), at(0, leg+0.48, 0.78))
	b.limb(spine[0], []float64{w * 0.5, w * 0.6, w * 0.4}, hip.Add(at(0, 0, -0.12)), hip.Add(at(0, 0.02, -0.35)), hip.Add(at(0, 0.05, -0.65)))
	lift := b.Float64() * 0.4
	sides(func(s float64) {
		wing := func(f float64) mesh.Vec3 {
			return at(s*(w*0.8+span*f), leg+0.2+lift*f, 0.15-0.25*f*f)
		}
		b.limb(spine[1], []float64{w * 0.45, w * 0.4, w * 0.35, w * 0.1}, wing(0), wing(0.35), wing(0.7), wing(1.05))
		b.limb(spine[0], []float64{w * 0.35, w * 0.15, w * 0.12, w * 0.05}, at(s*w*0.5, leg*0.9, 0), at(s*w*0.5, leg*0.45, -0.06), at(s*w*0.5, 0.02, 0), at(s*w*0.5, 0.02, 0.15))
	})
}

func crane(b *body) {
	w := b.about(0.12)
	n := 3 + b.IntN(4)
	points, radii := []mesh.Vec3{{}, {0, b.about(0.3), 0}}, []float64{w * 1.8, w * 1.2}
	dir := at(0, 1, 0)
	for i := range n {
		p := points[len(points)-1].Add(dir.Unit().Scale(b.about(0.4)))
		points, radii = append(points, p), append(radii, w*(1.1-0.8*float64(i)/float64(n)))
		dir = dir.Add(at(0, -b.Float64(), b.about(0.8)))
	}
	own := b.limb(rig.NoParent, radii, points...)
	tip := points[len(points)-1]
	sides(func(s float64) {
		b.limb(own[len(own)-1], []float64{w * 0.3, w * 0.25, w * 0.15}, tip.Add(at(s*0.04, 0, 0)), tip.Add(at(s*0.12, -0.06, 0.08)), tip.Add(at(s*0.06, -0.12, 0.2)))
	})
}

func plant(b *body) {
	n, w := 3+b.IntN(3), b.about(0.08)
	var points []mesh.Vec3
	var radii []float64
	p := mesh.Vec3{}
	for i := range n + 1 {
		points, radii = append(points, p), append(radii, w*(1.2-float64(i)/float64(n+1)))
		p = p.Add(at(0.15*(b.Float64()-0.5), b.about(0.35), 0.15*(b.Float64()-0.5)))
	}
	stem := b.limb(rig.NoParent, radii, points...)
	for i := 1; i < n; i++ {
		for range 1 + b.IntN(2) {
			sin, cos := math.Sincos(b.Float64() * 2 * math.Pi)
			long := b.about(0.45)
			dir := at(cos, b.about(0.5), sin)
			b.limb(stem[i], []float64{w * 0.5, w * 0.6, w * 0.2}, points[i].Add(dir.Scale(w)), points[i].Add(dir.Scale(w+long*0.5)), points[i].Add(dir.Scale(w+long)).Add(at(0, -0.15*long, 0)))
		}
	}
}

func hand(b *body) {
	palm, w := b.about(0.5), b.about(0.07)
	own := b.limb(rig.NoParent, []float64{w * 1.6, w * 2.6, w * 2.8}, at(0, 0, 0), at(0, 0.12, 0), at(0, 0.12+palm, 0))
	for i := range 4 {
		x := (float64(i) - 1.5) * w * 1.9
		spread, long := x*0.15, b.about(0.17)*(1-0.08*math.Abs(float64(i)-1.5))
		k := func(f float64) mesh.Vec3 { return at(x+spread*f, 0.1+palm+long*f, 0.03*f) }
		b.limb(own[1], []float64{w * 0.8, w * 0.75, w * 0.65, w * 0.5}, k(0), k(1.2), k(2.1), k(2.9))
	}
	side := w * 2.6
	b.limb(own[1], []float64{w, w * 0.85, w * 0.7, w * 0.5}, at(side*0.7, 0.2, 0.03), at(side*1.3, 0.2+palm*0.4, 0.08), at(side*1.6, 0.25+palm*0.65, 0.1), at(side*1.7, 0.25+palm*0.95, 0.1))
}

// chimera is any body: a trunk that lies or stands, with limbs of any number, length and direction, alone, in pairs or around the
// trunk, which may end in digits. It shows where joints are in tubes, and not how one kind is built.
func chimera(b *body) {
	w, n := b.about(0.16)*(0.4+b.Float64()), 2+b.IntN(3)
	along := at(0, 0.3*b.NormFloat64(), 1)
	if b.IntN(3) == 0 {
		along = at(0, 1, 0.2*b.NormFloat64())
	}
	trunk := b.wander(mesh.Vec3{}, along, n, b.about(1), 0.3, true)
	spine := b.limb(rig.NoParent, b.taper(w, 0.6, n), trunk...)
	for range 1 + b.IntN(4) {
		on := b.IntN(n)
		bones, thick := 2+b.IntN(3), w*(0.15+0.5*b.Float64())
		dir := at(b.NormFloat64(), b.NormFloat64(), b.NormFloat64()).Unit()
		turns := []mesh.Matrix{{0: 1, 5: 1, 10: 1, 15: 1}}
		switch b.IntN(4) {
		case 0: // alone, in the plane of the trunk
			dir[0] = 0
		case 1: // around the trunk, if it stands
			if along[0] == 0 && along[1] > along[2] {
				count := 3 + b.IntN(4)
				turns = nil
				for k := range count {
					sin, cos := math.Sincos(2 * math.Pi * float64(k) / float64(count))
					turns = append(turns, mesh.Matrix{0: cos, 2: -sin, 5: 1, 8: sin, 10: cos, 15: 1})
				}
				break
			}
			fallthrough
		default:
			dir[0] = math.Abs(dir[0]) + 0.2
			turns = append(turns, mesh.Matrix{0: -1, 5: 1, 10: 1, 15: 1})
		}
		f := b.Float64()
		from := trunk[on].Scale(1 - f).Add(trunk[on+1].Scale(f))
		points := b.wander(from.Add(dir.Unit().Scale(0.7*w)), dir, bones, b.about(0.9)*(0.4+b.Float64()), 0.7, false)
		radii := b.taper(thick, 0.35, bones)
		digits, spread := 0, 0.3+0.5*b.Float64()
		const most = 60 // joints
		if b.IntN(4) == 0 {
			digits = 2 + b.IntN(4)
		}
		if len(b.rig.Joints)+len(turns)*(bones+2*digits) > most {
			digits = 0
		}
		if len(b.rig.Joints)+len(turns)*bones > most {
			return
		}
		tip, last := points[bones], points[bones].Sub(points[bones-1])
		across := last.Unit().Cross(at(0.3, 0.5, 0.8)).Unit()
		for _, turn := range turns {
			around := func(all []mesh.Vec3) (out []mesh.Vec3) {
				for _, p := range all {
					out = append(out, from.Add(turn.Apply(p.Sub(from))))
				}
				return out
			}
			own := b.limb(spine[on], radii, around(points)...)
			for k := range digits {
				side := across.Scale(spread * (float64(k) - float64(digits-1)/2))
				d := last.Unit().Add(side).Scale(0.4 * last.Len())
				b.limb(own[bones-1], []float64{radii[bones] * 0.7, radii[bones] * 0.6, radii[bones] * 0.4}, around([]mesh.Vec3{tip.Add(side.Scale(radii[bones])), tip.Add(d), tip.Add(d.Scale(1.8))})...)
			}
		}
	}
}

// wander are the joints of n bones and their tip, of a length in all, whose direction changes by about a
// share of itself at each joint, in the plane x = 0 if it is flat.
func (b *body) wander(from, dir mesh.Vec3, n int, long, bend float64, flat bool) []mesh.Vec3 {
	out := []mesh.Vec3{from}
	for range n {
		dir = dir.Unit()
		from = from.Add(dir.Scale(b.about(long / float64(n))))
		out = append(out, from)
		dir = dir.Add(at(bend*b.NormFloat64(), bend*b.NormFloat64(), bend*b.NormFloat64()))
		if flat {
			dir[0] = 0
		}
	}
	return out
}

// taper are the radii of n bones and their tip, from one to a share of it, each varied.
func (b *body) taper(radius, to float64, n int) (out []float64) {
	for i := range n + 1 {
		f := float64(i) / float64(n)
		out = append(out, b.about(radius*(1-f+to*f)))
	}
	return out
}
