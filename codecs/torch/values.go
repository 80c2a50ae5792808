package torch

import "iter"

// A pickle's values are nil, bool, int64, float64, string, []byte, [Tuple], [*List],
// [*Dict], [*Tensor] and [Inert]. A value of any other type is a class that the file
// names and has no use.

// Tuple is a Python tuple.
type Tuple []any

// List is a Python list. It may contain itself.
type List struct{ Items []any }

// Inert is a value of a class of which only the name is kept. Sets and integers of
// more than 64 bits are Inert too.
type Inert struct{ Class string }

// Dict is a Python dict or OrderedDict, in file order. It may contain itself.
type Dict struct {
	keys, values []any
	at           map[string]int // index of each string key
}

// Len returns the number of keys.
func (d *Dict) Len() int { return len(d.keys) }

// Get returns the value of a string key, and whether it exists.
func (d *Dict) Get(key string) (any, bool) {
	i, ok := d.at[key]
	if !ok {
		return nil, false
	}
	return d.values[i], true
}

// All yields the string keys and their values. Other keys, such as the integers of
// optimizer parameters, are left out.
func (d *Dict) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for i, k := range d.keys {
			if text, ok := k.(string); ok && !yield(text, d.values[i]) {
				return
			}
		}
	}
}

// set sets a key. On equal keys the last value wins, as in Python.
func (d *Dict) set(key, value any) {
	text, ok := key.(string)
	if !ok {
		d.keys, d.values = append(d.keys, key), append(d.values, value)
		return
	}
	if i, known := d.at[text]; known {
		d.values[i] = value
		return
	}
	if d.at == nil {
		d.at = map[string]int{}
	}
	d.at[text] = len(d.keys)
	d.keys, d.values = append(d.keys, key), append(d.values, value)
}
