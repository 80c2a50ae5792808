// Package keyset holds sets of Morton keys as paged bitmaps: adding is one
// bit, the members come out sorted without a sort, and after [Set.Seal] the
// rank of a member is found in constant time. Memory follows the pages in use,
// 4 KiB for each block of 32x32x32 cells, not the number of additions.
//
// It is not a general set: keys must be below the limit given to [New], and
// near each other, as the cells of a surface are.
package keyset

import "math/bits"

const (
	pageBits  = 15 // a page is 32^3 cells
	pageWords = 1 << (pageBits - 6)
)

type page struct {
	words [pageWords]uint64
	ranks [pageWords]uint16 // members of the page before each word
	first int               // members of the set before the page
}

// Set is a set of keys. Make one with [New].
type Set struct {
	pages []*page
	size  int
}

// New returns an empty set for keys of at most levels levels, that is below
// 8^levels. It holds 8^(levels-5) pointers.
func New(levels int) *Set {
	n := max(3*levels-pageBits, 0)
	return &Set{pages: make([]*page, 1<<n)}
}

// Add puts k into the set.
func (s *Set) Add(k uint64) {
	p := s.pages[k>>pageBits]
	if p == nil {
		p = new(page)
		s.pages[k>>pageBits] = p
	}
	p.words[k>>6&(pageWords-1)] |= 1 << (k & 63)
}

// Has tells whether k is in the set.
func (s *Set) Has(k uint64) bool {
	p := s.pages[k>>pageBits]
	return p != nil && p.words[k>>6&(pageWords-1)]>>(k&63)&1 == 1
}

// Merge adds every member of t, a set of the same levels, to s. It may keep
// t's pages, so t must not be used afterwards.
func (s *Set) Merge(t *Set) {
	for i, q := range t.pages {
		switch p := s.pages[i]; {
		case q == nil:
		case p == nil:
			s.pages[i] = q
		default:
			for w := range p.words {
				p.words[w] |= q.words[w]
			}
		}
	}
}

// Seal counts the members, which [Set.Len] and [Set.Rank] need, and returns
// their number. Seal again after adding.
func (s *Set) Seal() int {
	s.size = 0
	for _, p := range s.pages {
		if p == nil {
			continue
		}
		p.first = s.size
		n := 0
		for w, word := range p.words {
			p.ranks[w] = uint16(n)
			n += bits.OnesCount64(word)
		}
		s.size += n
	}
	return s.size
}

// Len returns the number of members when the set was sealed.
func (s *Set) Len() int { return s.size }

// Rank returns how many members are below k, or -1 if k is not a member. The
// set must be sealed.
func (s *Set) Rank(k uint64) int {
	p := s.pages[k>>pageBits]
	if p == nil {
		return -1
	}
	w := k >> 6 & (pageWords - 1)
	word, bit := p.words[w], uint64(1)<<(k&63)
	if word&bit == 0 {
		return -1
	}
	return p.first + int(p.ranks[w]) + bits.OnesCount64(word&(bit-1))
}

// All yields the members in ascending order.
func (s *Set) All(yield func(k uint64) bool) {
	for i, p := range s.pages {
		if p == nil {
			continue
		}
		for w, word := range p.words {
			for ; word != 0; word &= word - 1 {
				k := uint64(i)<<pageBits | uint64(w)<<6 | uint64(bits.TrailingZeros64(word))
				if !yield(k) {
					return
				}
			}
		}
	}
}
