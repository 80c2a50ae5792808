package torch

import "fmt"

// global pushes the class that two lines name.
func (m *machine) global() error {
	module, err := m.line()
	if err != nil {
		return err
	}
	name, err := m.line()
	if err != nil {
		return err
	}
	return m.pushClass(module, name)
}

// stackGlobal pushes the class that two texts on the stack name.
func (m *machine) stackGlobal() error {
	pair, err := m.popN(2)
	if err != nil {
		return err
	}
	module, ok := pair[0].(string)
	name, also := pair[1].(string)
	if !ok || !also || len(module) > maxNameBytes || len(name) > maxNameBytes {
		return fmt.Errorf("%w: a class named by %s and %s", ErrFormat, describe(pair[0]), describe(pair[1]))
	}
	return m.pushClass(module, name)
}

func (m *machine) pushClass(module, name string) error {
	c, ok := global(module, name)
	if !ok {
		return fmt.Errorf("%w: it names %.100q; the weights alone are saved by torch.save(model.state_dict(), path)", ErrUnsafe, module+"."+name)
	}
	return m.push(c)
}

// reduce replaces a class and a tuple of arguments by the value they make.
func (m *machine) reduce() error {
	pair, err := m.popN(2)
	if err != nil {
		return err
	}
	return m.pushMade(pair[0], pair[1])
}

// newObjEx is reduce with keyword arguments, which only inert classes accept.
func (m *machine) newObjEx() error {
	three, err := m.popN(3)
	if err != nil {
		return err
	}
	if c, ok := three[0].(*class); !ok || !c.inert() {
		return fmt.Errorf("%w: arguments by name for %s", ErrUnsafe, describe(three[0]))
	}
	return m.pushMade(three[0], three[1])
}

func (m *machine) pushMade(callee, args any) error {
	v, err := m.make(callee, args)
	if err != nil {
		return err
	}
	return m.push(v)
}

// make returns the value that a class makes of its arguments: its builder's, or an
// inert one. Nothing else can be called.
func (m *machine) make(callee, args any) (any, error) {
	c, ok := callee.(*class)
	if !ok {
		return nil, fmt.Errorf("%w: a call of %s", ErrUnsafe, describe(callee))
	}
	list, ok := args.(Tuple)
	if !ok {
		return nil, fmt.Errorf("%w: %s with %s for arguments", ErrFormat, c.name, describe(args))
	}
	switch {
	case c.build != nil:
		v, err := c.build(m, list)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		return v, nil
	case c.inert():
		return Inert{c.name}, nil
	}
	return nil, fmt.Errorf("%w: a call of %s", ErrUnsafe, c.name)
}

// inert reports whether only the class name of a value is kept.
func (c *class) inert() bool { return c.build == nil && !c.storage && c.dtype == "" }

// build drops a state, as inert values and the dictionaries of modules have.
func (m *machine) build() error {
	if _, err := m.pop(); err != nil {
		return err
	}
	target, err := m.top()
	if err != nil {
		return err
	}
	switch target.(type) {
	case *Dict, Inert:
		return nil
	}
	return fmt.Errorf("%w: a state for %s", ErrUnsafe, describe(target))
}

// describe names a value in an error.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case *class:
		return v.name
	case Inert:
		return v.Class
	case string:
		return fmt.Sprintf("the text %.40q", v)
	case int64, float64, bool:
		return fmt.Sprint(v)
	case *Tensor:
		return "a tensor"
	case *List:
		return "a list"
	case *Dict:
		return "a dictionary"
	case Tuple:
		return "a tuple"
	}
	return fmt.Sprintf("%T", v)
}
