package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
)

const shopSQL = `-- the shop
SELECT title
FROM banner
WHERE id = 7;

UPDATE stock SET n = n - 1 WHERE id = 3;
SELECT balance FROM account WHERE id = 1 FOR UPDATE;
SELECT 'a;
b' FROM banner;
`

func TestClassifyPrintsATable(t *testing.T) {
	status, stdout, stderr := rwsplitCommand(t, shopSQL, "classify", "-dialect", "postgres")
	require.Equal(t, exitOK, status)
	require.Empty(t, stderr)

	lines := strings.Split(stdout, "\n")
	require.Equal(t, " line  statement                                 route    writes  pins  reason", lines[0])
	rows := map[string]string{}
	for _, l := range lines[1:] {
		if f := strings.Fields(l); len(f) > 1 {
			rows[f[0]] = l
		}
		require.LessOrEqual(t, len([]rune(l)), 100)
	}
	for line, want := range map[string][]string{
		"2": {"   2  SELECT title FROM banner WHERE id = 7 ", "replica", " -       -  "},
		"6": {"UPDATE stock SET n = n - 1 WHERE id = 3", "primary", " yes "},
		"7": {"SELECT balance FROM account WHERE id", "primary", "locking read"},
		"8": {"SELECT 'a; b' FROM banner  ", "replica"},
	} {
		for _, w := range want {
			require.Contains(t, rows[line], w)
		}
	}
	require.True(t, strings.HasSuffix(stdout, "\n\n4 statements: 2 replica, 2 primary; 1 writing, 0 pinning\n"), stdout)
}

func TestClassifyAnswersEveryJSONLine(t *testing.T) {
	queries := []string{"SELECT 1", "UPDATE t SET x = '<>&'", "SET search_path = 'ü'", "SELECT 'a\nb'", ""}
	var in strings.Builder
	for _, q := range queries {
		b, err := json.Marshal(q)
		require.NoError(t, err)
		in.Write(append(b, '\n'))
	}
	status, stdout, stderr := rwsplitCommand(t, strings.TrimSuffix(in.String(), "\n"), "classify", "-json", "-dialect", "postgres")
	require.Equal(t, exitOK, status)
	require.Empty(t, stderr)
	lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
	require.Len(t, lines, len(queries))
	for i, q := range queries {
		s := rwsplit.Classify("postgres", q)
		reason, err := json.Marshal(s.Reason)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf(`{"route":"%s","writes":%t,"pins":%t,"reason":%s}`, s.Route, s.Writes, s.Pins, reason), lines[i])
	}
}

func TestClassifyNamesBadJSONLinesAndGoesOn(t *testing.T) {
	status, stdout, _ := rwsplitCommand(t, "\"SELECT 1\"\nSELECT 2\n\n[1]\n\"\xff\"\n\"SELECT 3\"\n", "classify", "-json", "-dialect", "mysql")
	require.Equal(t, exitFailed, status)
	var got []map[string]any
	for line := range strings.Lines(stdout) {
		var v map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &v))
		got = append(got, v)
	}
	require.Len(t, got, 6)
	require.Equal(t, "replica", got[0]["route"])
	require.Contains(t, got[1]["error"], "line 2: not JSON: ")
	require.Equal(t, []any{"primary", true, true, "bad input line"}, []any{got[1]["route"], got[1]["writes"], got[1]["pins"], got[1]["reason"]})
	require.Equal(t, "line 3: empty, want a JSON string", got[2]["error"])
	require.Equal(t, "line 4: a JSON array, want a string", got[3]["error"])
	require.Equal(t, "line 5: not valid UTF-8", got[4]["error"])
	require.Equal(t, "replica", got[5]["route"])
}

// What encoding/json would put in the place of half a pair is other SQL.
func TestClassifyTakesNoHalfOfASurrogatePair(t *testing.T) {
	for text, bad := range map[string]bool{
		`"SELECT '\ud83d\ude00'"`:  false,
		`"SELECT '\ufffd�'"`:       false,
		`"SELECT '\\ud83d\ufffd'"`: false,
		`"SELECT '\ud83d'"`:        true,
		`"SELECT '\ude00\ud83d'"`:  true,
		`"SELECT '\ud83d\u0041'"`:  true,
		`"SELECT '\uD83D\\ude00'"`: true,
	} {
		status, stdout, _ := rwsplitCommand(t, text, "classify", "-json", "-dialect", "postgres")
		require.Equal(t, bad, status != exitOK, text)
		require.Equal(t, bad, strings.Contains(stdout, `"error":"line 1: half of a surrogate pair, which no text has"`), stdout)
	}
}

func TestClassifyPassesAByteOrderMark(t *testing.T) {
	status, stdout, _ := rwsplitCommand(t, "\ufeffSELECT 1;\n", "classify", "-dialect", "postgres", "-require", "replica")
	require.Equal(t, exitOK, status, stdout)
	status, stdout, _ = rwsplitCommand(t, "\ufeff\"SELECT 1\"\n", "classify", "-dialect", "postgres", "-require", "replica", "-json")
	require.Equal(t, exitOK, status, stdout)
}

func TestClassifyRequiresNothingOfComments(t *testing.T) {
	status, stdout, _ := rwsplitCommand(t, "-- queries\nSELECT 1;\n-- the end\n", "classify", "-dialect", "postgres", "-require", "replica")
	require.Equal(t, exitOK, status)
	require.Equal(t, "1 statement: 1 replica, 0 primary; 0 writing, 0 pinning\nall on replica as required\n", stdout)
	status, stdout, _ = rwsplitCommand(t, "", "classify", "-dialect", "postgres", "-require", "replica")
	require.Equal(t, exitOK, status)
	require.Equal(t, "0 statements: 0 replica, 0 primary; 0 writing, 0 pinning\n", stdout)
}

func TestClassifyPrintsEveryDigitOfALine(t *testing.T) {
	_, stdout, _ := rwsplitCommand(t, strings.Repeat("\n", 123455)+"SELECT 1;", "classify", "-dialect", "postgres")
	require.Contains(t, stdout, "\n123456  SELECT 1 ")
}

func TestClassifyEndsWhileItWaitsForInput(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in, w := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"classify", "-dialect", "sqlite"}, streams{in, io.Discard, io.Discard})
	}()
	cancel()
	require.Equal(t, exitFailed, <-done)
	require.NoError(t, w.Close())
}

// A program that writes a line and waits for its answer must get it.
func TestClassifyAnswersBeforeTheNextLine(t *testing.T) {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- run(t.Context(), []string{"classify", "-json", "-dialect", "sqlite"}, streams{inR, outW, io.Discard})
		outW.Close()
	}()
	answers := bufio.NewReader(outR)
	for range 3 {
		_, err := io.WriteString(inW, "\"SELECT 1\"\n\"DELETE FROM")
		require.NoError(t, err)
		line, err := answers.ReadString('\n')
		require.NoError(t, err)
		require.Contains(t, line, `"route":"replica"`)
		_, err = io.WriteString(inW, " t\"\n")
		require.NoError(t, err)
		line, err = answers.ReadString('\n')
		require.NoError(t, err)
		require.Contains(t, line, `"writes":true`)
	}
	require.NoError(t, inW.Close())
	require.Equal(t, exitOK, <-done)
}

func TestClassifyPrintsAStatementBeforeTheNextComes(t *testing.T) {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- run(t.Context(), []string{"classify", "-dialect", "sqlite"}, streams{inR, outW, io.Discard})
		outW.Close()
	}()
	answers := bufio.NewReader(outR)
	for _, want := range []string{"line  statement", "1  SELECT 1", "2  SELECT 1", "3  SELECT 1"} {
		if want != "1  SELECT 1" { // which comes with the header
			_, err := io.WriteString(inW, "SELECT 1;\n")
			require.NoError(t, err)
		}
		line, err := answers.ReadString('\n')
		require.NoError(t, err)
		require.Contains(t, line, want)
	}
	require.NoError(t, inW.Close())
	_, err := io.Copy(io.Discard, answers)
	require.NoError(t, err)
	require.Equal(t, exitOK, <-done)
}

func TestClassifyRequireShowsWhatIsElsewhere(t *testing.T) {
	status, stdout, _ := rwsplitCommand(t, shopSQL, "classify", "-dialect", "mysql", "-require", "replica")
	require.Equal(t, exitFailed, status)
	require.Contains(t, stdout, "UPDATE stock")
	require.Contains(t, stdout, "SELECT balance")
	require.NotContains(t, stdout, "SELECT title")
	require.Contains(t, stdout, "2 of 4 not on replica as required")

	status, stdout, _ = rwsplitCommand(t, "SELECT 1;\nSELECT 2;", "classify", "-dialect", "mysql", "-require=replica")
	require.Equal(t, exitOK, status)
	require.Equal(t, "2 statements: 2 replica, 0 primary; 0 writing, 0 pinning\nall on replica as required\n", stdout)

	status, stdout, stderr := rwsplitCommand(t, "\"SELECT 1\"\n\"DELETE FROM t\"\n", "classify", "-dialect", "mysql", "-require=primary", "-json")
	require.Equal(t, exitFailed, status)
	require.Equal(t, 2, strings.Count(stdout, "\n"))
	require.Contains(t, stderr, "line 1: not on primary but on replica")
	require.NotContains(t, stderr, "line 2")
}

func TestClassifyReadsFiles(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one.sql"), filepath.Join(dir, "two.sql")
	require.NoError(t, os.WriteFile(one, []byte("SELECT 1;\n"), 0o600))
	require.NoError(t, os.WriteFile(two, []byte("DELETE FROM t;\n"), 0o600))
	status, stdout, _ := rwsplitCommand(t, "SELECT 3;\n", "classify", one, "-dialect", "sqlite", two, "-")
	require.Equal(t, exitOK, status)
	require.Contains(t, stdout, one+"\n")
	require.Contains(t, stdout, two+"\n")
	require.Contains(t, stdout, "3 statements: 2 replica, 1 primary; 1 writing, 0 pinning\n")

	status, _, stderr := rwsplitCommand(t, "", "classify", "-dialect", "sqlite", filepath.Join(dir, "none.sql"))
	require.Equal(t, exitFailed, status)
	require.Contains(t, stderr, "none.sql: no such file")
}

func TestClassifyTakesVeryLongStatements(t *testing.T) {
	long := "SELECT '" + strings.Repeat("x", 2<<20) + "' FROM t"
	status, stdout, _ := rwsplitCommand(t, long+";\n", "classify", "-dialect", "postgres", "-require", "replica")
	require.Equal(t, exitOK, status, stdout)
	status, stdout, _ = rwsplitCommand(t, `"`+long+`"`, "classify", "-dialect", "postgres", "-json", "-require", "replica")
	require.Equal(t, exitOK, status, stdout)
	require.Contains(t, stdout, `"route":"replica"`)
}

func TestClassifyLetsNoControlCharactersThrough(t *testing.T) {
	_, stdout, _ := rwsplitCommand(t, "SELECT '\x1b[2J\x07';\n", "classify", "-dialect", "postgres")
	require.NotContains(t, stdout, "\x1b")
	require.NotContains(t, stdout, "\x07")
}
