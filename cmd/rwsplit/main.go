// Command rwsplit shows, explains and checks what the rwsplit driver does.
//
//	rwsplit demo                     a small shop on lagging replicas, on screen
//	rwsplit classify -dialect D      where each statement of a file would run
//	rwsplit check DSN                whether the servers of a DSN are fit for use
//	rwsplit watch DSN                the servers of a DSN, live
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
)

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1 // the answer is no, or the work could not be done
	exitUsage  = 2 // the command was not understood
)

const usage = `rwsplit sends reads to replicas and everything else to the primary.

  rwsplit demo [-dsn DSN]          a small shop on lagging replicas, statement by statement
  rwsplit classify -dialect D      where each SQL statement of standard input would run
  rwsplit check DSN                look at every server of a DSN and name what is wrong
  rwsplit watch DSN                the servers of a DSN, live
  rwsplit version

"rwsplit COMMAND -h" tells more about a command.
`

// streams are the standard streams of a command.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// usageError is a mistake in the command line.
type usageError struct{ error }

func usageErrorf(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// errReported ends a command that has already said what is wrong.
var errReported = errors.New("reported")

var commands = map[string]func(ctx context.Context, args []string, std streams) error{
	"classify": runClassify,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second Ctrl-C ends the program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

func run(ctx context.Context, args []string, std streams) int {
	if len(args) == 0 {
		fmt.Fprint(std.err, usage)
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		fmt.Fprint(std.out, usage)
		return exitOK
	case "version", "-version", "--version":
		fmt.Fprintln(std.out, "rwsplit", version())
		return exitOK
	}
	command, ok := commands[args[0]]
	if !ok {
		shown := ""
		if !strings.ContainsAny(args[0], "=@:") { // a DSN has secrets
			shown = fmt.Sprintf(" %q", args[0])
		}
		fmt.Fprintf(std.err, "rwsplit: unknown command%s\n\n%s", shown, usage)
		return exitUsage
	}
	err := command(ctx, args[1:], std)
	var mistake usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.As(err, &mistake):
		fmt.Fprintf(std.err, "rwsplit %s: %v\n\"rwsplit %[1]s -h\" tells more.\n", args[0], mistake)
		return exitUsage
	case errors.Is(err, errReported), errors.Is(err, syscall.EPIPE):
		return exitFailed
	case ctx.Err() != nil:
		fmt.Fprintf(std.err, "rwsplit %s: interrupted\n", args[0])
		return exitFailed
	default:
		fmt.Fprintf(std.err, "rwsplit %s: %s\n", args[0], strings.TrimPrefix(err.Error(), "rwsplit: "))
		return exitFailed
	}
}

// flags is a command's flag set and help text.
type flags struct {
	*flag.FlagSet
	help string
	out  io.Writer
}

func newFlags(name, help string, std streams) *flags {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // run reports the errors
	fs.Usage = func() {}
	return &flags{fs, help, std.out}
}

// parse returns the arguments that are no flags; flags may stand after them.
// A request for help is answered here, and returned as flag.ErrHelp.
func (f *flags) parse(args []string) ([]string, error) {
	var rest []string
	for {
		err := f.Parse(args)
		switch {
		case errors.Is(err, flag.ErrHelp):
			fmt.Fprint(f.out, f.help, "\nFlags:\n")
			f.SetOutput(f.out)
			f.PrintDefaults()
			return nil, err
		case err != nil:
			return nil, usageError{err}
		case f.NArg() == 0:
			return rest, nil
		}
		// Parse stopped behind "--" or at an argument.
		if n := len(args) - f.NArg(); n > 0 && args[n-1] == "--" {
			return append(rest, f.Args()...), nil
		}
		rest = append(rest, f.Arg(0))
		args = f.Args()[1:]
	}
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
