package history_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit/integration/history"
)

func write(process, session, row int, value, began, ended int64) history.Op {
	return history.Op{Kind: history.Write, Process: process, Session: session, Row: row, Value: value, Began: began, Ended: ended}
}

func read(level history.Level, process, session, row int, value, began, ended int64) history.Op {
	return history.Op{Kind: history.Read, Level: level, Process: process, Session: session, Row: row, Value: value, Began: began, Ended: ended}
}

func give(process, session, token int, at int64) history.Op {
	return history.Op{Kind: history.Give, Process: process, Session: session, Token: token, Began: at, Ended: at + 1}
}

func take(process, session, token int, at int64) history.Op {
	return history.Op{Kind: history.Take, Process: process, Session: session, Token: token, Began: at, Ended: at + 1}
}

func start(process int, at int64) history.Op {
	return history.Op{Kind: history.Start, Process: process, Began: at, Ended: at + 1}
}

func TestCheck(t *testing.T) {
	for name, tc := range map[string]struct {
		ops  []history.Op
		want []string // the promises that were broken
	}{
		"nothing": {},
		"a process reads its write": {
			ops: []history.Op{write(1, 0, 1, 7, 1, 2), read(history.Process, 1, 0, 1, 7, 3, 4)},
		},
		"a process misses its write": {
			ops:  []history.Op{write(1, 5, 1, 7, 1, 2), read(history.Process, 1, 0, 1, 6, 3, 4)},
			want: []string{"read-your-writes of the process"},
		},
		"the order in which operations are noted does not matter": {
			ops:  []history.Op{read(history.Process, 1, 0, 1, 6, 3, 4), write(1, 5, 1, 7, 1, 2)},
			want: []string{"read-your-writes of the process"},
		},
		"a write that ended after the read began is not promised": {
			ops: []history.Op{write(1, 0, 1, 7, 1, 4), read(history.Process, 1, 0, 1, 6, 3, 5)},
		},
		"another row": {
			ops: []history.Op{write(1, 0, 1, 7, 1, 2), read(history.Process, 1, 0, 2, 0, 3, 4)},
		},
		"another process": {
			ops: []history.Op{write(1, 0, 1, 7, 1, 2), read(history.Process, 2, 0, 1, 6, 3, 4)},
		},
		"another process, with global": {
			ops:  []history.Op{write(1, 0, 1, 7, 1, 2), read(history.Global, 2, 0, 1, 6, 3, 4)},
			want: []string{"global"},
		},
		"sessions of one process share nothing": {
			ops: []history.Op{write(1, 1, 1, 7, 1, 2), read(history.Session, 1, 2, 1, 6, 3, 4)},
		},
		"but what was written outside of them": {
			ops:  []history.Op{write(1, 0, 1, 7, 1, 2), read(history.Session, 1, 2, 1, 6, 3, 4)},
			want: []string{"read-your-writes of what was written outside sessions"},
		},
		"a session misses its write": {
			ops:  []history.Op{write(1, 1, 1, 7, 1, 2), read(history.Session, 1, 1, 1, 6, 3, 4)},
			want: []string{"read-your-writes of the session"},
		},
		"a session goes back in time": {
			ops:  []history.Op{read(history.Session, 1, 1, 1, 7, 1, 2), read(history.Session, 1, 1, 1, 6, 3, 4)},
			want: []string{"monotonic reads of the session"},
		},
		"its reads at one time may differ": {
			ops: []history.Op{read(history.Session, 1, 1, 1, 7, 1, 3), read(history.Session, 1, 1, 1, 6, 2, 4)},
		},
		"a token hands on what its session wrote": {
			ops:  []history.Op{write(1, 1, 1, 7, 1, 2), give(1, 1, 9, 3), take(2, 2, 9, 5), read(history.Session, 2, 2, 1, 6, 7, 8)},
			want: []string{"read-your-writes of the session"},
		},
		"and what it was handed": {
			ops: []history.Op{
				write(1, 1, 1, 7, 1, 2), give(1, 1, 8, 3), take(2, 2, 8, 5), give(2, 2, 9, 7), take(1, 3, 9, 9),
				read(history.Session, 1, 3, 1, 6, 11, 12),
			},
			want: []string{"read-your-writes of the session"},
		},
		"not what was written after it was made": {
			ops: []history.Op{give(1, 1, 9, 1), write(1, 1, 1, 7, 3, 4), take(2, 2, 9, 5), read(history.Session, 2, 2, 1, 6, 7, 8)},
		},
		"a token without a session hands on what the process wrote": {
			ops:  []history.Op{write(1, 1, 1, 7, 1, 2), give(1, 0, 9, 3), take(2, 2, 9, 5), read(history.Session, 2, 2, 1, 6, 7, 8)},
			want: []string{"read-your-writes of the session"},
		},
		"a process that starts sees what was there": {
			ops:  []history.Op{write(1, 1, 1, 7, 1, 2), start(2, 3), read(history.Session, 2, 0, 1, 6, 5, 6)},
			want: []string{"what was written before the process started"},
		},
		"in its sessions too": {
			ops:  []history.Op{write(1, 1, 1, 7, 1, 2), start(2, 3), read(history.Session, 2, 4, 1, 6, 5, 6)},
			want: []string{"what was written before the process started"},
		},
		"not what others write later": {
			ops: []history.Op{write(1, 1, 1, 7, 1, 2), start(2, 3), write(1, 1, 1, 8, 5, 6), read(history.Process, 2, 0, 1, 7, 7, 8)},
		},
		"nor does another process have to see what was there": {
			ops: []history.Op{write(1, 1, 1, 7, 1, 2), start(2, 3), read(history.Process, 3, 0, 1, 6, 5, 6)},
		},
		"each stale read counts once": {
			ops: []history.Op{
				write(1, 1, 1, 7, 1, 2), read(history.Global, 1, 1, 1, 6, 3, 4), read(history.Global, 1, 1, 1, 5, 5, 6),
			},
			want: []string{"read-your-writes of the session", "read-your-writes of the session"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, v := range history.Check(tc.ops) {
				got = append(got, v.Promise)
				require.NotEmpty(t, v.String())
				require.Less(t, v.Read.Value, v.Floor.Value)
			}
			require.Equal(t, tc.want, got)
		})
	}
}

func TestARecorderHandsOverWhatItHas(t *testing.T) {
	r := history.NewRecorder(nil)
	r.Add(write(1, 0, 1, 1, 1, 2), read(history.Process, 1, 0, 1, 1, 3, 4))
	require.Len(t, r.Ops(), 2)
	require.Len(t, r.Take(), 2)
	require.Empty(t, r.Ops())
	r.Add(write(1, 0, 1, 2, 5, 6))
	require.Equal(t, []history.Op{write(1, 0, 1, 2, 5, 6)}, r.Take())
}
