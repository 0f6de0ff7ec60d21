package rwsplit_test

var matrixModes = []matrixMode{bareMode}
