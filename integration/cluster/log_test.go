package cluster_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rwsplit/rwsplit/integration/cluster"
)

func TestGeneralLogsAreParsed(t *testing.T) {
	tests := []struct {
		name   string
		engine cluster.Engine
		pieces []string
		want   []string
	}{
		{
			"mysql", cluster.MySQL,
			[]string{
				"/usr/sbin/mysqld, Version: 9.7.4 ((Debian)). started with:\nTcp port: 3306  Unix socket: /tmp/mysql.sock\nTime                 Id Command    Argument\n" +
					"2026-11-22T04:40:02.800893Z\t    8 Connect\tapp@172.18.0.1 on shop using TCP/IP\n" +
					"2026-11-22T04:40:02.810893Z\t    9 Connect\tadmin@172.18.0.1 on shop using TCP/IP\n" +
					"2026-11-22T04:40:02.820893Z\t    8 Query\tSELECT 1,\n\t2\n" +
					"2026-11-22T04:40:02.820893Z\t    9 Query\tSELECT 'admin'\n",
				"2026-11-22T04:40:02.830893Z\t    8 Prepare\tSELECT ?\n" +
					"2026-11-22T04:40:02.840893Z\t    8 Execute\tSELECT 5\n" +
					"2026-11-22T04:40:02.850893Z\t    8 Close stmt\t\n" +
					"2026-11-22T04:40:02.860893Z\t    8 Quit\t\n" +
					"/usr/sbin/mysqld, Version: 9.7.4 ((Debian)). started with:\nTcp port: 3306  Unix socket: /tmp/mysql.sock\nTime                 Id Command    Argument\n" +
					"2026-11-22T04:41:02.800893Z\t    8 Connect\tadmin@172.18.0.1 on shop using TCP/IP\n" +
					"2026-11-22T04:41:02.820893Z\t    8 Query\tSELECT 6\n",
			},
			[]string{"SELECT 1,\n\t2", "SELECT 5"},
		},
		{
			"mariadb", cluster.MariaDB,
			[]string{
				"mariadbd, Version: 11.8.6-MariaDB-log (Debian). started with:\nTcp port: 3306  Unix socket: /tmp/mysql.sock\nTime\t\t    Id Command\tArgument\n" +
					"261122  4:40:02\t     8 Connect\tapp@172.18.0.1 on shop using TCP/IP\n" +
					"\t\t     8 Query\tSELECT 1\n" +
					"\t\t     8 Prepare\tSELECT ?\n" +
					"\t\t     8 Execute\tSELECT 7\n",
				"261122 14:40:03\t     8 Query\tINSERT INTO t\nVALUES (1)\n",
			},
			[]string{"SELECT 1", "SELECT 7", "INSERT INTO t\nVALUES (1)"},
		},
		{
			"postgres", cluster.Postgres,
			[]string{
				`{"user":"app","message":"statement: SELECT 1,\n\t2"}` + "\n" + `{"user":"app","message":"execu`,
				`te stmtcache_1: SELECT $1","detail":"parameters: $1 = '5'"}` + "\n" +
					`{"user":"postgres","message":"statement: SELECT 'admin'"}` + "\n" +
					`{"user":"app","message":"relation \"x\": does not exist"}` + "\n",
			},
			[]string{"SELECT 1,\n\t2", "SELECT $1"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, cluster.ParseLog(test.engine, "app", test.pieces...))
		})
	}
}

func TestMariaDBPositionsAreParsed(t *testing.T) {
	require.Equal(t, map[string]uint64{"0": 12, "1": 7}, cluster.GTIDs("0-1-10,0-2-12,1-1-7", false))
	require.Equal(t, map[string]uint64{"0-1": 10, "0-2": 12, "1-1": 7}, cluster.GTIDs("0-1-10,0-2-12, 1-1-7", true))
	require.Empty(t, cluster.GTIDs("", false))
}
