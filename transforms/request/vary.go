package request

import "fmt"

// Variants returns count requests for each of the given ones. They differ in their ids,
// ID-1 to ID-count, and so in what is sampled. A count of 1 changes nothing.
func Variants(requests []Request, count int) []Request {
	if count == 1 {
		return requests
	}
	var all []Request
	taken := names{}
	for _, r := range requests {
		for i := range count {
			all = append(all, taken.vary(r, fmt.Sprint(i+1)))
		}
	}
	return all
}

// Windows returns, for each request, one for each time at which starts has it begin. Their
// ids are ID-TIME, such as talk-1m30s.
func Windows(requests []Request, starts func(Request) []Time) []Request {
	var all []Request
	taken := names{}
	for _, r := range requests {
		for _, t := range starts(r) {
			q := taken.vary(r, t.String())
			q.Start = t
			all = append(all, q)
		}
	}
	return all
}

// vary returns a request under its id with a word behind it.
func (n names) vary(r Request, word string) Request {
	r.ID = n.take(clip(r.ID, cutName-len(word)-1)+"-"+word, r.Input)
	return r
}
