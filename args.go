package rwsplit

import (
	"database/sql/driver"
	"fmt"
	"reflect"
)

// checkArgs converts arguments for the base driver as database/sql does when
// it talks to that driver directly: the statement's NamedValueChecker or else
// the connection's, then the statement's ColumnConverter, then the default.
// database/sql could not do it, because it asks before a statement is routed.
//
// st is nil for statements that are not prepared. The conversion is done in
// place; the result may be shorter, since a checker may remove arguments.
func checkArgs(ci driver.Conn, st driver.Stmt, args []driver.NamedValue) ([]driver.NamedValue, error) {
	want := -1
	var checker driver.NamedValueChecker
	//lint:ignore SA1019 base drivers may still have only this
	var converter driver.ColumnConverter
	if st != nil {
		want = st.NumInput()
		checker, _ = st.(driver.NamedValueChecker)
		//lint:ignore SA1019 base drivers may still have only this
		converter, _ = st.(driver.ColumnConverter)
	}
	if checker == nil {
		checker, _ = ci.(driver.NamedValueChecker)
	}

	n := 0
	for i := range args {
		args[n] = args[i]
		nv := &args[n]
		nv.Ordinal = n + 1
		err := driver.ErrSkip
		if checker != nil {
			err = checker.CheckNamedValue(nv)
		}
		if err == driver.ErrSkip && converter != nil {
			err = convertColumn(converter, want, nv)
		}
		if err == driver.ErrSkip {
			nv.Value, err = driver.DefaultParameterConverter.ConvertValue(nv.Value)
		}
		switch err {
		case nil:
			n++
		case driver.ErrRemoveArgument:
		default:
			return nil, fmt.Errorf("sql: converting argument %s type: %w", describeArg(nv), err)
		}
	}
	if want != -1 && n != want {
		return nil, fmt.Errorf("sql: expected %d arguments, got %d", want, n)
	}
	return args[:n], nil
}

//lint:ignore SA1019 base drivers may still have only this
func convertColumn(converter driver.ColumnConverter, want int, nv *driver.NamedValue) error {
	column := nv.Ordinal - 1
	if (want >= 0 || ignoresColumnConverter) && want <= column {
		return nil // too many arguments; the count is checked at the end
	}
	if vr, ok := nv.Value.(driver.Valuer); ok {
		v, err := valueOf(vr)
		if err != nil {
			return err
		}
		if !driver.IsValue(v) {
			return fmt.Errorf("non-subset type %T returned from Value", v)
		}
		nv.Value = v
	}
	arg := nv.Value
	v, err := converter.ColumnConverter(column).ConvertValue(arg)
	if err != nil {
		return err
	}
	nv.Value = v
	if !driver.IsValue(v) {
		return fmt.Errorf("driver ColumnConverter error converted %T to unsupported type %T", arg, v)
	}
	return nil
}

var valuerType = reflect.TypeFor[driver.Valuer]()

// valueOf calls Value, except on a nil pointer whose element type has the
// method: that is NULL, as in database/sql.
func valueOf(vr driver.Valuer) (driver.Value, error) {
	if rv := reflect.ValueOf(vr); rv.Kind() == reflect.Pointer && rv.IsNil() && rv.Type().Elem().Implements(valuerType) {
		return nil, nil
	}
	return vr.Value()
}

func describeArg(nv *driver.NamedValue) string {
	if nv.Name == "" {
		return fmt.Sprintf("$%d", nv.Ordinal)
	}
	return fmt.Sprintf("with name %q", nv.Name)
}
