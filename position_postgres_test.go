package rwsplit_test

import (
	"errors"
	"testing"

	"github.com/rwsplit/rwsplit"
)

func TestNormalizeLSN(t *testing.T) {
	const page, segment = 8192, 16 << 20
	tests := []struct {
		name, in, want string
	}{
		{"within a page", "0/3047FF8", "0/3047FF8"},
		{"behind a page header", "0/3048018", "0/3048000"},
		{"on the page boundary", "0/3048000", "0/3048000"},
		{"8 bytes behind the header", "0/3048020", "0/3048020"},
		{"40 into an ordinary page: the end of a continued record", "0/3048028", "0/3048028"},
		{"behind a segment's header", "0/4000028", "0/4000000"},
		{"24 into a segment lies within its header", "0/4000018", "0/4000018"},
		{"on the segment boundary", "0/4000000", "0/4000000"},
		{"behind the first record of a segment", "0/4000060", "0/4000060"},
		{"where the upper half changes", "1/28", "1/0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in, err := rwsplit.ParseLSN(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := rwsplit.FormatLSN(rwsplit.NormalizeLSN(in, page, segment)); got != tt.want {
				t.Errorf("NormalizeLSN(%s): got %s, want %s", tt.in, got, tt.want)
			}
		})
	}
	if got := rwsplit.NormalizeLSN(40, 0, 0); got != 40 {
		t.Errorf("unknown sizes: got %d, want it unchanged", got)
	}
}

func FuzzNormalizeLSN(f *testing.F) {
	f.Add(uint64(0x3048018), uint8(13), uint8(24))
	f.Add(uint64(0x4000028), uint8(12), uint8(20))
	f.Fuzz(func(t *testing.T, lsn uint64, pageBits, segmentBits uint8) {
		page := uint64(1) << (10 + pageBits%7) // 1 kB to 64 kB
		segment := max(uint64(1)<<(20+segmentBits%11), page)
		got := rwsplit.NormalizeLSN(lsn, page, segment)
		// It stays, or it goes back to the page boundary over one header.
		if got != lsn && (got%page != 0 || lsn-got > 40 || lsn < got) {
			t.Fatalf("NormalizeLSN(%X, %d, %d): got %X", lsn, page, segment, got)
		}
		if again := rwsplit.NormalizeLSN(got, page, segment); again != got {
			t.Fatalf("NormalizeLSN twice: got %X, want %X", again, got)
		}
		text := rwsplit.FormatLSN(lsn)
		if back, err := rwsplit.ParseLSN(text); err != nil || back != lsn {
			t.Fatalf("%s reads as %X, %v, want %X", text, back, err, lsn)
		}
	})
}

func TestPostgresAnswers(t *testing.T) {
	const id = "7710851174235641344"
	tests := []struct {
		name   string
		answer func([]string) (rwsplit.Position, error)
		row    []string
		want   string
		err    error
	}{
		{"primary", rwsplit.PostgresPrimaryAnswer, []string{"false", "0/3048018", "0000000A", "8192", "16777216", id}, id + "/10:0/3048000", nil},
		{"primary with other sizes", rwsplit.PostgresPrimaryAnswer, []string{"false", "0/3048018", "00000001", "16384", "16777216", id}, id + "/1:0/3048000", nil},
		{"primary with large pages", rwsplit.PostgresPrimaryAnswer, []string{"false", "0/304A018", "00000001", "16384", "16777216", id}, id + "/1:0/304A018", nil},
		{"a standby in the primary's place", rwsplit.PostgresPrimaryAnswer, []string{"true", "", "", "8192", "16777216", id}, "", rwsplit.ErrNotPrimary},
		{"primary without LSN", rwsplit.PostgresPrimaryAnswer, []string{"false", "", "00000001", "8192", "16777216", id}, "", rwsplit.ErrMalformedPosition},
		{"primary without timeline", rwsplit.PostgresPrimaryAnswer, []string{"false", "0/1", "", "8192", "16777216", id}, "", rwsplit.ErrMalformedPosition},
		{"primary without identity", rwsplit.PostgresPrimaryAnswer, []string{"false", "0/1", "00000001", "8192", "16777216", ""}, "", rwsplit.ErrMalformedPosition},
		{"primary, short row", rwsplit.PostgresPrimaryAnswer, []string{"false"}, "", rwsplit.ErrMalformedPosition},
		{"replica", rwsplit.PostgresReplicaAnswer, []string{"true", "0/3048000", "10", id}, id + "/10:0/3048000", nil},
		// What a standby says is not a place for the next record: no correction.
		{"replica behind 24 bytes", rwsplit.PostgresReplicaAnswer, []string{"true", "0/3048018", "1", id}, id + "/1:0/3048018", nil},
		{"promoted replica", rwsplit.PostgresReplicaAnswer, []string{"false", "0/3048000", "1", id}, "", rwsplit.ErrNotReplica},
		{"never in recovery", rwsplit.PostgresReplicaAnswer, []string{"false", "", "1", id}, "", rwsplit.ErrNotReplica},
		{"nothing replayed", rwsplit.PostgresReplicaAnswer, []string{"true", "", "1", id}, "", rwsplit.ErrNoPosition},
		{"replica without timeline", rwsplit.PostgresReplicaAnswer, []string{"true", "0/1", "", id}, "", rwsplit.ErrMalformedPosition},
		{"replica, short row", rwsplit.PostgresReplicaAnswer, nil, "", rwsplit.ErrMalformedPosition},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.answer(tt.row)
			if got.String() != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v, want %q, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestMySQLAndMariaDBPrimaryAnswers(t *testing.T) {
	tests := []struct {
		name   string
		answer func([]string) (rwsplit.Position, error)
		row    []string
		want   string
		err    error
	}{
		{"gtid_mode on", rwsplit.MySQLPrimaryAnswer, []string{"ON", uuidA + ":1-3"}, uuidA + ":1-3", nil},
		{"a new server", rwsplit.MySQLPrimaryAnswer, []string{"ON", ""}, "", nil},
		{"gtid_mode off", rwsplit.MySQLPrimaryAnswer, []string{"OFF", ""}, "", rwsplit.ErrNoPosition},
		{"gtid_mode permissive", rwsplit.MySQLPrimaryAnswer, []string{"ON_PERMISSIVE", uuidA + ":1-3"}, "", rwsplit.ErrNoPosition},
		{"short row", rwsplit.MySQLPrimaryAnswer, []string{"ON"}, "", rwsplit.ErrMalformedPosition},
		{"log_bin on", rwsplit.MariaDBPrimaryAnswer, []string{"1", "0-1-3"}, "0-1-3", nil},
		{"nothing logged yet", rwsplit.MariaDBPrimaryAnswer, []string{"1", ""}, "", nil},
		{"log_bin off", rwsplit.MariaDBPrimaryAnswer, []string{"0", ""}, "", rwsplit.ErrNoPosition},
		{"short row", rwsplit.MariaDBPrimaryAnswer, nil, "", rwsplit.ErrMalformedPosition},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.answer(tt.row)
			if got.String() != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v, want %q, %v", got, err, tt.want, tt.err)
			}
			if err == nil && got.IsZero() {
				t.Error("got the zero position, want a known one")
			}
		})
	}
}
