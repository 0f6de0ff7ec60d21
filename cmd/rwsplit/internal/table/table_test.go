package table_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit/cmd/rwsplit/internal/table"
)

func TestTableAlignsCutsAndWraps(t *testing.T) {
	var b bytes.Buffer
	tab := table.New(&b, table.Style{}, 40,
		table.Column{Title: "statement"},
		table.Column{Title: "n", Width: 4, Right: true},
		table.Column{Title: "why", Width: 10, Wrap: true},
	)
	tab.Row(table.Text("SELECT  1\n\tFROM t WHERE something"), table.Text("12"), table.Text("a plain read"))
	tab.Row(table.Text("x"), table.Text("3"), table.Cell{Text: "write", Color: table.Bad})
	require.NoError(t, tab.Err())
	require.Equal(t, ""+
		"statement                  n  why\n"+
		"SELECT 1 FROM t WHERE…    12  a plain\n"+
		"                              read\n"+
		"x                          3  write\n", b.String())
}

func TestTableColoursOnlyWhereAllowed(t *testing.T) {
	style := table.Style{Color: true}
	require.Equal(t, "\x1b[32mok\x1b[0m", style.Paint(table.Good, "ok"))
	require.Equal(t, "ok", table.Style{}.Paint(table.Good, "ok"))
	require.False(t, table.StyleOf(&bytes.Buffer{}).Color)
	require.Equal(t, table.DefaultWidth, table.StyleOf(&bytes.Buffer{}).Width)
}

func TestOneLineLetsNothingReachTheTerminal(t *testing.T) {
	require.Equal(t, "a ?[31mb ?", table.OneLine(" a \x1b[31mb\r\n\x07", 100))
	require.LessOrEqual(t, utf8.RuneCountInString(table.OneLine(strings.Repeat("é", 1000), 10)), 11)
}

func TestShortenCountsColumnsNotBytes(t *testing.T) {
	for _, tt := range []struct {
		in    string
		width int
		want  string
	}{
		{"short", 5, "short"},
		{"longer", 5, "long…"},
		{"ééééé", 5, "ééééé"},
		{"éééééé", 5, "éééé…"},
		{"日本語", 6, "日本語"},
		{"日本語x", 6, "日本…"},
		{"e\u0301e\u0301", 2, "e\u0301e\u0301"},
		{"ab cd", 4, "ab…"},
		{"abc", 1, "…"},
		{"abc", 0, ""},
	} {
		require.Equal(t, tt.want, table.Shorten(tt.in, tt.width), tt.in)
	}
}

func TestWrapKeepsEveryWord(t *testing.T) {
	require.Equal(t, []string{"one two", "three", "a-very-long-word", "x"}, table.Wrap("one two three a-very-long-word x", 8))
	require.Equal(t, []string{""}, table.Wrap("", 8))
}
