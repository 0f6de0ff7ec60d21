package main

import (
	"context"
	"time"

	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/table"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/watch"
)

const watchHelp = `usage: rwsplit watch [-interval 1s] [-count N] DSN

Watches the servers of a DSN: whether they answer, how much all their clients do
(as the servers count), how far replicas lag, and where a read would go now. On
a terminal it redraws one screen, elsewhere it prints one line per server and
look. It writes nothing, but for the heartbeats that position=heartbeat asks for.

The DSN is rwsplit's: driver=... primary=... replica=... @FILE reads it from a
file, which keeps passwords out of the list of processes.
`

func init() { commands["watch"] = runWatch }

func runWatch(ctx context.Context, args []string, std streams) error {
	fs := newFlags("watch", watchHelp, std)
	var o watch.Options
	fs.DurationVar(&o.Interval, "interval", time.Second, "time between two looks, at least 100ms")
	fs.IntVar(&o.Count, "count", 0, "end after `N` looks; 0 ends with Ctrl-C")
	cfg, err := fs.config(args)
	if err != nil {
		return err
	}
	switch {
	case o.Interval < 100*time.Millisecond:
		return usageErrorf("-interval %v is less than 100ms", o.Interval)
	case o.Count < 0:
		return usageErrorf("-count %d is less than 0", o.Count)
	}
	return watch.Run(ctx, std.out, table.StyleOf(std.out), cfg, o)
}
