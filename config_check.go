package rwsplit

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
)

// maxReplicas bounds the replicas of one Config: each has a goroutine and, in
// every pooled connection, a slot.
const maxReplicas = maxBackends - 1

// Clone returns a deep copy. Connectors, the logger and functions are shared
// with the original.
func (c *Config) Clone() *Config {
	d := *c
	d.Replicas = slices.Clone(c.Replicas)
	d.ReplicaHosts = slices.Clone(c.ReplicaHosts)
	d.ReplicaConnectors = slices.Clone(c.ReplicaConnectors)
	d.Weights = slices.Clone(c.Weights)
	d.ReadFunctions = slices.Clone(c.ReadFunctions)
	return &d
}

// normalize puts defaults in the place of zero fields and says what is wrong
// with the rest.
func (c *Config) normalize() error {
	for i := range settings {
		if err := settings[i].check(c); err != nil {
			return settingError(settings[i].key, err)
		}
	}
	if err := c.checkBackends(); err != nil {
		return err
	}
	if err := c.checkContradictions(); err != nil {
		return err
	}
	return nil
}

// replicaCount is how many replicas the Config names, by whatever means.
func (c *Config) replicaCount() int {
	return len(c.Replicas) + len(c.ReplicaHosts) + len(c.ReplicaConnectors)
}

func (c *Config) checkBackends() error {
	byDSN := c.Primary != "" || len(c.Replicas) > 0 || len(c.ReplicaHosts) > 0
	switch {
	case c.Primary == "" && c.PrimaryConnector == nil:
		return errors.New("rwsplit: primary is required: the base driver's DSN of the primary")
	case c.Primary != "" && c.PrimaryConnector != nil:
		return errors.New("rwsplit: primary and PrimaryConnector are both set: one of them names the primary")
	case len(c.ReplicaHosts) > 0 && c.Primary == "":
		return errors.New("rwsplit: replica_hosts needs primary: the replicas' DSNs are made of it")
	case c.Driver == "" && byDSN:
		return errors.New("rwsplit: driver is required: the name of the base driver, such as pgx or mysql")
	case c.Driver == "" && c.Dialect == "":
		return errors.New("rwsplit: dialect is required where connectors are given and no driver")
	case slices.Contains(c.ReplicaConnectors, nil):
		return errors.New("rwsplit: ReplicaConnectors must not contain nil")
	case c.replicaCount() > maxReplicas:
		return fmt.Errorf("rwsplit: %d replicas: must be at most %d", c.replicaCount(), maxReplicas)
	case len(c.Weights) > 0 && len(c.Weights) != c.replicaCount():
		return fmt.Errorf("rwsplit: weights has %d numbers for %d replicas: must be one for each", len(c.Weights), c.replicaCount())
	}
	return nil
}

func (c *Config) checkContradictions() error {
	switch {
	case c.Consistency == Eventual && c.Wait > 0:
		return fmt.Errorf("rwsplit: wait=%s contradicts consistency=eventual: no read has anything to wait for", durationText(c.Wait))
	case c.Position == PositionNone && c.Wait > 0:
		return fmt.Errorf("rwsplit: wait=%s contradicts position=none: no replica can be seen to catch up", durationText(c.Wait))
	case c.Position == PositionNone && c.Consistency == Global:
		return errors.New("rwsplit: consistency=global contradicts position=none: no replica can be seen to catch up")
	case c.Tracking == TrackingTable && c.Consistency == Eventual:
		return errors.New("rwsplit: tracking=table contradicts consistency=eventual: no read waits for a write")
	case c.Tracking == TrackingTable && c.Consistency == Global:
		return errors.New("rwsplit: tracking=table contradicts consistency=global: a read waits for whatever anybody wrote")
	case c.Tracking == TrackingTable && c.Position == PositionNone:
		return errors.New("rwsplit: tracking=table contradicts position=none: the schema is watched beside the positions")
	case c.Fallback == FallbackError && c.FallbackMax > 0:
		return fmt.Errorf("rwsplit: fallback_max=%d contradicts fallback=error: no read falls back to the primary", c.FallbackMax)
	}
	return nil
}

// settingError names the key, the value where it can be shown, and what would
// be right.
func settingError(key string, err error) error {
	var v *valueError
	if errors.As(err, &v) {
		if text := shownValue(v.value); text != "" {
			return fmt.Errorf("rwsplit: %s=%s: %w", key, text, err)
		}
	}
	return fmt.Errorf("rwsplit: %s: %w", key, err)
}

// shownValue is a value quoted and cut for an error, or "" if it might be a
// piece of a base DSN: those have an @, a colon or a slash wherever a password
// with a blank in it could tear them.
func shownValue(v string) string {
	const most = 40
	if v == "" || !only(v, "_.,+-") {
		return ""
	}
	if len(v) > most {
		return strconv.Quote(v[:most]) + "..."
	}
	return strconv.Quote(v)
}

// String is the DSN with stars in the place of base DSNs.
func (c *Config) String() string {
	if c == nil {
		return "<nil>"
	}
	return c.format(func(s *setting, v string) string {
		switch {
		case s.secret:
			return "***"
		case s.check(c.Clone()) != nil:
			// Not what belongs here: it may be a base DSN.
			return "***"
		default:
			return v
		}
	})
}

// Format writes [Config.String] whatever the verb is, so that no way of
// printing a Config shows a secret.
func (c Config) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, c.String())
}

// LogValue gives a log [Config.String].
func (c Config) LogValue() slog.Value {
	return slog.StringValue(c.String())
}
