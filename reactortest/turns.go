package reactortest

import "reflect"

// turnsOf looks for what counts the turns of a reactor: a field Turns of what its
// method Stats returns, whatever type that is.
func turnsOf(r Reactor) (count func() uint64, ok bool) {
	stats := reflect.ValueOf(r).MethodByName("Stats")
	if !stats.IsValid() || stats.Type().NumIn() != 0 || stats.Type().NumOut() != 1 {
		return nil, false
	}
	if f, found := stats.Type().Out(0).FieldByName("Turns"); !found || !f.Type.ConvertibleTo(reflect.TypeFor[uint64]()) {
		return nil, false
	}
	return func() uint64 { return stats.Call(nil)[0].FieldByName("Turns").Uint() }, true
}
