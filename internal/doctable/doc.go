// Package doctable reads the tables of docs/reference, so that tests can compare them with the
// code. It is not for use at run time.
//
//	names, err := doctable.Names("../../docs/reference/failures.md", "Kinds")
//	...
//	for _, line := range doctable.Compare(names, doctable.Fields(reflect.TypeFor[Failure]())) {
//		t.Error(line)
//	}
package doctable
