package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// dsnArgument returns the DSN that a command line gives, or that is in the
// file it names: what stands in a command line, everybody on the machine can
// read.
func dsnArgument(arg string) (string, error) {
	name, ok := strings.CutPrefix(arg, "@")
	if !ok {
		return arg, nil
	}
	if strings.Contains(name, "=") {
		// The error of the file system would show it, with its passwords.
		return "", errors.New("reading the DSN: behind @ stands the name of a file, and not the DSN")
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("reading the DSN: %w", err)
	}
	return string(b), nil
}
