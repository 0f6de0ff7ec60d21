package rwsplit_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rwsplit/rwsplit"
)

func TestPrivilegesThatShowTriggers(t *testing.T) {
	tests := []struct {
		name          string
		lines         []string
		schema, table string
		want          bool
	}{
		{"none", []string{"GRANT USAGE ON *.* TO `a`@`%`"}, "shop", "t", false},
		{"others only", []string{"GRANT SELECT, INSERT, UPDATE ON `shop`.* TO `a`@`%`"}, "shop", "t", false},
		{"everything", []string{"GRANT ALL PRIVILEGES ON *.* TO `a`@`%` WITH GRANT OPTION"}, "shop", "t", true},
		{"globally", []string{"GRANT SELECT, TRIGGER, CREATE ROLE ON *.* TO `a`@`%`"}, "shop", "t", true},
		{"on the database", []string{"GRANT SELECT, TRIGGER ON `shop`.* TO `a`@`%`"}, "shop", "t", true},
		{"on another database", []string{"GRANT SELECT, TRIGGER ON `shop2`.* TO `a`@`%`"}, "shop", "t", false},
		{"with escapes", []string{"GRANT TRIGGER ON `my\\_shop`.* TO `a`@`%`"}, "my_shop", "t", true},
		{"by a pattern", []string{"GRANT TRIGGER ON `sh%`.* TO `a`@`%`"}, "shop", "t", false},
		{"on the table", []string{"GRANT SELECT, TRIGGER ON `shop`.`t` TO `a`@`%`"}, "shop", "t", true},
		{"on another table", []string{"GRANT SELECT, TRIGGER ON `shop`.`u` TO `a`@`%`"}, "shop", "t", false},
		{"through a role", []string{"GRANT `r` TO `a`@`%`", "GRANT USAGE ON *.* TO `r`", "GRANT TRIGGER ON `shop`.* TO `r`"}, "shop", "t", true},
		{"revoked for the database", []string{"GRANT TRIGGER ON *.* TO `a`@`%`", "REVOKE TRIGGER ON `shop`.* FROM `a`@`%`"}, "shop", "t", false},
		{"revoked for another", []string{"GRANT TRIGGER ON *.* TO `a`@`%`", "REVOKE TRIGGER ON `shop2`.* FROM `a`@`%`"}, "shop", "t", true},
		{"of a routine", []string{"GRANT ALL PRIVILEGES ON PROCEDURE `shop`.`t` TO `a`@`%`"}, "shop", "t", false},
		{"of columns", []string{"GRANT SELECT (`TRIGGER`, `b`) ON `shop`.`t` TO `a`@`%`"}, "shop", "t", false},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, rwsplit.ShowsTriggers(tt.lines, tt.schema, tt.table), tt.name)
	}
}
