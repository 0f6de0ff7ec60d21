package main

import (
	"context"
	"os/signal"
	"strings"
	"syscall"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/demo"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/table"
)

const demoHelp = `usage: rwsplit demo [-dsn DSN]

Runs a small shop through the driver and prints every statement with the server
that ran it, the reason, and what a naive splitter would have answered.

Without -dsn the servers are SQLite files in a temporary directory, replicated
with a delay by the demo itself; nothing else is needed. With -dsn it runs on a
real cluster, in tables called rwsplit_demo_* that it makes and drops. It takes
less than 20 seconds.
`

func init() { commands["demo"] = runDemo }

func runDemo(ctx context.Context, args []string, std streams) error {
	fs := newFlags("demo", demoHelp, std)
	dsn := fs.String("dsn", "", "`DSN` of a real cluster, in rwsplit's form; @FILE reads it from a file")
	rest, err := fs.parse(args)
	if err != nil {
		return err
	}
	switch {
	case len(rest) > 0 && strings.ContainsAny(rest[0], "=@:"):
		return usageErrorf("a DSN goes behind -dsn")
	case len(rest) > 0:
		return usageErrorf("unexpected argument %q", rest[0])
	}
	var o demo.Options
	if *dsn != "" {
		text, err := dsnArgument(*dsn)
		if err != nil {
			return err
		}
		if o.Config, err = rwsplit.ParseDSN(text); err != nil {
			return err
		}
	}
	// The demo drops its tables even if nobody looks at its output any more.
	watched, stop := signal.NotifyContext(ctx, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	_, err = demo.Run(watched, std.out, table.StyleOf(std.out), o)
	if err != nil && watched.Err() != nil && ctx.Err() == nil {
		return errReported // there is nobody to be told
	}
	return err
}
