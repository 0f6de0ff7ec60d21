package watch_test

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/lite"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/table"
	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/watch"
)

func TestWatchPrintsALinePerServerAndLook(t *testing.T) {
	cfg, _ := lite.Config(t, "copy.db", "none/copy.db")
	var out bytes.Buffer
	require.NoError(t, watch.Run(t.Context(), &out, table.Style{Width: 100}, cfg, watch.Options{Interval: 100 * time.Millisecond, Count: 3}))
	require.Regexp(t, regexp.MustCompile(`^(`+
		`\d\d:\d\d:\d\d\.\d{3} primary up answer=\S+ reads=\d+( here="[^"]+")?\n`+
		`\d\d:\d\d:\d\d\.\d{3} replica1 up answer=\S+ lag=unknown reads=\d+( here="[^"]+")?\n`+
		`\d\d:\d\d:\d\d\.\d{3} replica2 down error="unable to open[^\n]*\n`+
		`){3}$`), out.String())
	require.Equal(t, 3, strings.Count(out.String(), "here="))
}

func TestWatchRedrawsOneScreen(t *testing.T) {
	cfg, _ := lite.Config(t, "copy.db", "none/copy.db")
	var out bytes.Buffer
	require.NoError(t, watch.Run(t.Context(), &out, table.Style{Width: 100, Terminal: true}, cfg, watch.Options{Interval: time.Second, Count: 3})) // which bounds a read
	frames := strings.Split(out.String(), "\x1b[H")
	require.Len(t, frames, 4)
	require.True(t, strings.HasSuffix(out.String(), "\x1b[?25h"), "the cursor is left hidden")
	last := regexp.MustCompile("\x1b\\[[?0-9]*[A-Za-z]").ReplaceAllString(frames[3], "")
	require.Regexp(t, `(?m)^replica1   up `, last)
	require.Regexp(t, `(?m)^replica2   down `, last)
	require.Contains(t, last, "a read now runs on ")
	require.Contains(t, last, "replica2: unable to open")
	for line := range strings.Lines(last) {
		require.LessOrEqual(t, len([]rune(line)), 101, line)
	}
}

func TestWatchFitsASmallScreen(t *testing.T) {
	cfg, _ := lite.Config(t, "copy.db")
	var out bytes.Buffer
	require.NoError(t, watch.Run(t.Context(), &out, table.Style{Width: 80, Terminal: true}, cfg, watch.Options{Interval: 100 * time.Millisecond, Count: 12}))
	frames := strings.Split(out.String(), "\x1b[H")
	last := regexp.MustCompile("\x1b\\[[?0-9]*[A-Za-z]").ReplaceAllString(frames[len(frames)-1], "")
	require.Contains(t, last, "plots of the last 10 looks")
	for line := range strings.Lines(last) {
		require.LessOrEqual(t, len([]rune(line)), 81, line)
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	cfg, _ := lite.Config(t, "copy.db")
	ctx, cancel := context.WithCancel(t.Context())
	looks := 0
	w := writerFunc(func(p []byte) (int, error) {
		if looks++; looks == 2 {
			cancel()
		}
		return len(p), nil
	})
	require.NoError(t, watch.Run(ctx, w, table.Style{}, cfg, watch.Options{Interval: 100 * time.Millisecond}))
	require.Equal(t, 2, looks)
}

func TestWatchKeepsSecrets(t *testing.T) {
	dsn := "postgres://app:s3cret@127.0.0.1:1/shop"
	var out bytes.Buffer
	cfg := &rwsplit.Config{Driver: "pgx", Primary: dsn, Replicas: []string{dsn}}
	require.NoError(t, watch.Run(t.Context(), &out, table.Style{}, cfg, watch.Options{Interval: 100 * time.Millisecond, Count: 1}))
	require.Contains(t, out.String(), "connection refused")
	require.Contains(t, out.String(), " read error=")
	require.NotContains(t, out.String(), "s3cret")
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
