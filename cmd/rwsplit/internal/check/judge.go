package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/backends"
)

// wrong adds a problem beside which nothing else about the server matters.
func (r *Result) wrong(server, text, next string) {
	r.Findings = append(r.Findings, Finding{server, true, text, next, true})
}

func (r *Result) problem(server, text, next string) {
	r.Findings = append(r.Findings, Finding{server, true, text, next, false})
}

func (r *Result) advice(server, text, next string) {
	r.Findings = append(r.Findings, Finding{server, false, text, next, false})
}

// judge names what is wrong.
func (r *Result) judge(timeout time.Duration) {
	primary := r.primary()
	if primary.Index != 0 {
		r.advice(primary.Name, "is the primary now: it alone takes writes, and roles=auto follows that", "nothing to do; a process that starts finds it sooner if primary= names it")
	}
	if len(r.Looks) == 1 {
		r.advice("", "no replica is listed, so everything runs on the primary", "add replica= or replica_hosts= when there is one")
	}
	for i, l := range r.Looks {
		if l.Err != nil {
			r.wrong(l.Name, "can't be asked: "+backends.Brief(l.Err), nextFor(l.Err))
			continue
		}
		if want := r.Config.Dialect; native(r.Config) && positioned(want) && positioned(l.Server.Dialect) && want != l.Server.Dialect {
			r.wrong(l.Name, fmt.Sprintf("is a %s server, and the DSN says dialect=%s", l.Server.Dialect, want), "leave dialect= out: the servers tell what they are")
			continue
		}
		for _, other := range r.Looks[:i] {
			if other.Err == nil && l.Server.SameIncarnation(other.Server) {
				r.wrong(l.Name, "is the same server as "+other.Name, "give every server one entry: a second one takes no load off it")
				break
			}
		}
		if l.Server.AutocommitOff {
			r.advice(l.Name, "sessions start with autocommit off, so every statement opens a transaction", "turn autocommit on for this user, or expect everything to run on the primary")
		}
		if l.Role == rwsplit.RolePrimary {
			if l.Server.ReadOnly {
				r.wrong(l.Name, "refuses writes ("+readOnlyWord(l.Server)+")", "let primary= name the server that takes writes; was there a failover?")
			}
			continue
		}
		r.judgeReplica(primary, l, timeout)
	}
}

func (r *Result) judgeReplica(primary, l Look, timeout time.Duration) {
	engine := l.Server.Dialect
	switch {
	case primary.Err != nil:
	case primary.Server.Dialect != engine:
		r.wrong(l.Name, fmt.Sprintf("is a %s server and the primary is a %s server", engine, primary.Server.Dialect), "check which server its DSN leads to")
		return
	case primary.Server.Cluster != "" && l.Server.Cluster != "" && primary.Server.Cluster != l.Server.Cluster:
		r.wrong(l.Name, "belongs to another cluster than the primary, so its data are not the primary's", "check which server its DSN leads to, or rebuild it from this primary")
		return
	}
	switch {
	case l.Server.ReadOnly || !positioned(engine):
	case engine == "postgres":
		r.wrong(l.Name, "takes writes: it is a primary, or replicates logically", "let replica= name a standby; for logical replication set position=heartbeat or none")
	default:
		r.advice(l.Name, "takes writes (read_only=OFF): a write that lands here makes its data differ from the primary's", "SET GLOBAL read_only=ON there, and in its configuration")
	}
	if l.ReadOnlySessionErr != nil {
		r.problem(l.Name, "can't be given a read-only session: "+backends.Brief(l.ReadOnlySessionErr), "if a connection pooler stands in between, set read_only_replicas=false")
	}
	if l.Bypass != "" && l.Server.ReadOnly {
		r.advice(l.Name, "the user may write although the server is read-only ("+l.Bypass+")", "connect as a user without that privilege: it is what stops a misrouted write")
	}
	switch {
	case primary.Err != nil || !primary.Positions || !l.Positions || !native(r.Config):
	case l.CaughtUp == 0:
		r.problem(l.Name, fmt.Sprintf("had not replayed within %v what the primary had at the start", timeout),
			"see whether replication runs and replay is not paused or delayed; until it catches up its reads go to the primary after every write")
	case r.Config.MaxLag > 0 && l.CaughtUp > r.Config.MaxLag:
		r.advice(l.Name, fmt.Sprintf("is %v behind, and max_lag=%v keeps reads away from it", l.CaughtUp.Round(time.Millisecond), r.Config.MaxLag), "raise max_lag, or make the replica faster")
	}
}

// graveWords are those of rwsplit's own sentences about a replica that gets
// nothing new, or shows what the primary does not have. The others tell what
// costs offload, or what can't be seen.
var graveWords = []string{
	"belongs to another cluster",
	"is on timeline",
	"replay is paused",
	"is the primary itself",
	"lacks transactions",
	"has transactions that the primary does not know",
	"does not replicate from any server",
	"its receiver is stopped",
	"its applier is stopped",
	"keeps changes from it",
	"keeps some databases out of the binary log",
	"replays what another server",
}

func grave(sentence string) bool {
	return slices.ContainsFunc(graveWords, func(w string) bool { return strings.Contains(sentence, w) })
}

// positioned reports whether rwsplit knows the engine's replication.
func positioned(dialect string) bool {
	return dialect == "postgres" || dialect == "mysql" || dialect == "mariadb"
}

func readOnlyWord(s rwsplit.Server) string {
	switch s.Dialect {
	case "postgres":
		return "it is in recovery, so it is a standby"
	case "mysql", "mariadb":
		return "read_only=ON"
	}
	return "it says that it is read-only"
}

// nextFor guesses what to do about a server that can't be asked.
func nextFor(err error) string {
	text := strings.ToLower(backends.Brief(err))
	for _, hint := range []struct {
		in   []string
		next string
	}{
		{[]string{"connection refused", "actively refused"}, "is the server running there, and is the port right?"},
		{[]string{"no such host", "lookup"}, "check the host name"},
		{[]string{"3d000", "unknown database"}, "check the name of the database"},
		{[]string{"error 1044 "}, "check the name of the database, and whether the user may use it"},
		{[]string{"password", "access denied", "28p01", "28000"}, "check the user and the password, and what the server allows this host"},
		{[]string{"starting up", "57p03"}, "wait until the server has started"},
		{[]string{"unsupported startup parameter"}, "a connection pooler stands in between: set read_only_replicas=false"},
		{[]string{"too many", "53300"}, "free connections, or raise the server's limit"},
		{[]string{"no such table", "unable to open"}, "check the path of the file"},
		{[]string{"certificate", "tls", "ssl"}, "check the TLS settings of the DSN and of the server"},
		{[]string{"in time", "timeout", "timed out"}, "is the host right, does the server hang, or does a firewall drop the packets? -timeout gives it longer"},
		{[]string{"failed to receive message", "malformed packet", "unexpected eof"}, "does a server of this engine listen there? check the host and the port"},
	} {
		for _, word := range hint.in {
			if strings.Contains(text, word) {
				return hint.next
			}
		}
	}
	return ""
}
