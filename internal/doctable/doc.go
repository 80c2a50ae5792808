// Package doctable reads the tables of docs/reference, so that tests can hold them
// to the code. It is not for anything at run time.
//
//	names, err := doctable.Names("../../docs/reference/failures.md", "Kinds")
//	...
//	for _, line := range doctable.Compare(names, doctable.Fields(reflect.TypeFor[Failure]())) {
//		t.Error(line)
//	}
package doctable
