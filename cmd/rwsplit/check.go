package main

import (
	"context"
	"strings"
	"time"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/check"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/table"
)

const checkHelp = `usage: rwsplit check [-timeout 5s] DSN

Looks at every server of a DSN: whether it can be reached, what it says it is,
whether replicas belong to the primary, refuse writes and keep up. It names what
is wrong and what to do about it. It writes nothing to any server.

The DSN is rwsplit's: driver=... primary=... replica=... @FILE reads it from a
file, which keeps passwords out of the list of processes.

Exit status: 0; 1 if there is a problem; 2 for a mistake in the command line.
`

func init() { commands["check"] = runCheck }

func runCheck(ctx context.Context, args []string, std streams) error {
	fs := newFlags("check", checkHelp, std)
	timeout := fs.Duration("timeout", 5*time.Second, "how long a server may take to answer, and a replica to catch up")
	cfg, err := fs.config(args)
	if err != nil {
		return err
	}
	if *timeout <= 0 {
		return usageErrorf("-timeout %v is not more than 0", *timeout)
	}
	result, err := check.Run(ctx, cfg, *timeout)
	if err != nil {
		return err
	}
	if err := result.Print(std.out, table.StyleOf(std.out), *timeout); err != nil {
		return err
	}
	if result.Problems() > 0 {
		return errReported
	}
	return nil
}

// config parses arguments of which one is a DSN of rwsplit.
func (f *flags) config(args []string) (*rwsplit.Config, error) {
	rest, err := f.parse(args)
	if err != nil {
		return nil, err
	}
	switch {
	case len(rest) == 0:
		return nil, usageErrorf("a DSN is required: driver=... primary=... replica=..., or @FILE")
	case len(rest) > 1 && strings.Contains(rest[0], "="):
		return nil, usageErrorf("the DSN is to be one argument: put it in quotes")
	case len(rest) > 1:
		return nil, usageErrorf("%d arguments where one DSN is wanted", len(rest))
	}
	text, err := dsnArgument(rest[0])
	if err != nil {
		return nil, err
	}
	return rwsplit.ParseDSN(text)
}
