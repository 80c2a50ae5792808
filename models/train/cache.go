package train

import "container/list"

// cache keeps the values that were used last, up to a bound of their sizes.
type cache[K comparable, V any] struct {
	most, size int
	order      list.List // of entry, the last used first
	at         map[K]*list.Element
	drop       func(V) // told of what is dropped; nil: nobody
}

type entry[K comparable, V any] struct {
	key   K
	value V
	size  int
}

// get returns the value of a key, which make makes if it is not kept.
func (c *cache[K, V]) get(key K, make func() (V, int, error)) (V, error) {
	if e, ok := c.at[key]; ok {
		c.order.MoveToFront(e)
		return e.Value.(entry[K, V]).value, nil
	}
	value, size, err := make()
	if err != nil {
		return value, err
	}
	if c.at == nil {
		c.at = map[K]*list.Element{}
	}
	c.at[key] = c.order.PushFront(entry[K, V]{key, value, size})
	c.size += size
	for c.size > c.most && c.order.Len() > 1 {
		c.last()
	}
	return value, nil
}

// last drops the value that was used the longest ago.
func (c *cache[K, V]) last() {
	e := c.order.Remove(c.order.Back()).(entry[K, V])
	delete(c.at, e.key)
	c.size -= e.size
	if c.drop != nil {
		c.drop(e.value)
	}
}

// clear drops everything.
func (c *cache[K, V]) clear() {
	for c.order.Len() > 0 {
		c.last()
	}
}
