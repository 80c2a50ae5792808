package sequence

// Allowed says which tokens may stand at a position, given the ones before it,
// by the layout alone: a coordinate (any id below Levels), the pad, the end. A
// sampler that keeps to it writes only whole faces.
//
// Only tokens of the current face matter, prefix[len(prefix)-len(prefix)%12:].
func (o Options) Allowed(prefix []int32) (coordinate, pad, end bool) {
	within := len(prefix) % FaceTokens
	switch {
	case within == 0:
		return true, true, len(prefix) > 0
	case within < 3 && prefix[len(prefix)-within] == o.Pad():
		return false, true, false
	default:
		return true, false, false
	}
}
