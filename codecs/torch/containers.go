package torch

import "fmt"

func (m *machine) tuple() error {
	items, err := m.popMark()
	if err != nil {
		return err
	}
	return m.push(Tuple(items))
}

func (m *machine) tupleN(n int) error {
	items, err := m.popN(n)
	if err != nil {
		return err
	}
	return m.push(Tuple(items))
}

func (m *machine) frozenSet() error {
	if _, err := m.popMark(); err != nil {
		return err
	}
	return m.push(Inert{"builtins.frozenset"})
}

func (m *machine) appendOne() error {
	item, err := m.pop()
	if err != nil {
		return err
	}
	return m.extend([]any{item})
}

func (m *machine) appendAll() error {
	items, err := m.popMark()
	if err != nil {
		return err
	}
	return m.extend(items)
}

// extend appends items to the list on top of the stack. An inert value ignores
// them.
func (m *machine) extend(items []any) error {
	target, err := m.top()
	if err != nil {
		return err
	}
	switch target := target.(type) {
	case *List:
		target.Items = append(target.Items, items...)
	case Inert:
	default:
		return fmt.Errorf("%w: items for %s", ErrFormat, describe(target))
	}
	return nil
}

func (m *machine) setItem() error {
	pair, err := m.popN(2)
	if err != nil {
		return err
	}
	return m.update(pair)
}

func (m *machine) setItems() error {
	pairs, err := m.popMark()
	if err != nil {
		return err
	}
	return m.update(pairs)
}

// update sets keys, each followed by its value, in the dict on top of the stack.
// An inert value ignores them.
func (m *machine) update(pairs []any) error {
	target, err := m.top()
	if err != nil {
		return err
	}
	if len(pairs)%2 != 0 {
		return fmt.Errorf("%w: a key without a value", ErrFormat)
	}
	switch target := target.(type) {
	case *Dict:
		for i := 0; i < len(pairs); i += 2 {
			target.set(pairs[i], pairs[i+1])
		}
	case Inert:
	default:
		return fmt.Errorf("%w: keys for %s", ErrFormat, describe(target))
	}
	return nil
}
