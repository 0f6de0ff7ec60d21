package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Delay delays every replica; see [Server.Delay].
func (c *Cluster) Delay(ctx context.Context, d time.Duration) error {
	return c.eachReplica(func(s *Server) error { return s.Delay(ctx, d) })
}

// PauseReplay pauses every replica; see [Server.PauseReplay].
func (c *Cluster) PauseReplay(ctx context.Context) error {
	return c.eachReplica(func(s *Server) error { return s.PauseReplay(ctx) })
}

// ResumeReplay ends PauseReplay on every replica.
func (c *Cluster) ResumeReplay(ctx context.Context) error {
	return c.eachReplica(func(s *Server) error { return s.ResumeReplay(ctx) })
}

// WaitReplayed waits until every running replica has replayed everything that
// the primary has now. Its error names the replicas that have not.
func (c *Cluster) WaitReplayed(ctx context.Context) error {
	position, err := c.flavor.position(ctx, c.Primary())
	if err != nil {
		return err
	}
	return c.eachReplica(func(s *Server) error {
		if s.State() != Running {
			return nil
		}
		return poll(ctx, func() error {
			ok, err := c.flavor.replayed(ctx, s, position)
			if err == nil && !ok {
				err = errors.Join(fmt.Errorf("cluster: %s has not replayed %s", s.Name, position), c.flavor.joined(context.WithoutCancel(ctx), s))
			}
			return err
		})
	})
}

// Promote makes a replica the primary. The others are left as they are, the
// old primary too: see [Cluster.Follow].
func (c *Cluster) Promote(ctx context.Context, s *Server) error {
	if err := c.flavor.promote(ctx, s); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.primary.wasPrimary, s.wasPrimary = true, true
	c.primary, c.moved = s, true
	return nil
}

// Follow makes a server a replica of the current primary, and starts it if
// need be. A PostgreSQL server that can't follow as it is is copied again; on
// MySQL and MariaDB an old primary must not have what the new one lacks.
func (c *Cluster) Follow(ctx context.Context, s *Server) error {
	if err := s.Thaw(ctx); err != nil {
		return err
	}
	if err := s.Start(ctx); err != nil {
		return err
	}
	return c.follow(ctx, s, c.Primary())
}

func (c *Cluster) follow(ctx context.Context, s, primary *Server) error {
	if s == primary {
		return fmt.Errorf("cluster: %s is the primary", s.Name)
	}
	if err := c.flavor.join(ctx, s, primary); err != nil {
		return s.failure(err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return s.failure(poll(ctx, func() error { return c.flavor.joined(ctx, s) }))
}

// Spoil makes the next Reset start everything anew, for tests that did more
// than the controls of this package can undo.
func (c *Cluster) Spoil() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spoiled = true
}

// Heal makes all servers run, with nothing delayed or paused. It leaves data
// and roles as they are.
func (c *Cluster) Heal(ctx context.Context) error {
	return c.each(func(s *Server) error {
		if err := s.Thaw(ctx); err != nil {
			return err
		}
		if err := s.Start(ctx); err != nil {
			return err
		}
		if s == c.Primary() {
			return nil
		}
		return errors.Join(c.flavor.resume(ctx, s), s.Delay(ctx, 0))
	})
}

// Reset brings the cluster back to its start: all servers run, nothing is
// delayed or paused, the application's sessions are ended, its database is
// empty and Statements begins anew. What can't be undone is made anew, on the
// same ports.
func (c *Cluster) Reset(ctx context.Context) error {
	c.mu.Lock()
	moved, spoiled := c.moved, c.spoiled
	c.mu.Unlock()
	if moved && !spoiled {
		err := c.restoreRoles(ctx)
		if spoiled = errors.Is(err, errors.ErrUnsupported); err != nil && !spoiled {
			return err
		}
	}
	if spoiled {
		c.down()
		return c.up(ctx)
	}
	err := c.each(func(s *Server) error {
		if err := s.Thaw(ctx); err != nil {
			return err
		}
		if err := s.Start(ctx); err != nil {
			return err
		}
		if s == c.Primary() {
			return c.flavor.disconnect(ctx, s)
		}
		if s.touched.Load() {
			if err := errors.Join(s.ResumeReplay(ctx), s.Delay(ctx, 0)); err != nil {
				return err
			}
			s.touched.Store(false)
		}
		return c.flavor.disconnect(ctx, s)
	})
	if err != nil {
		return err
	}
	if err := c.LogStatements(ctx, true); err != nil {
		return err
	}
	if err := c.flavor.empty(ctx, c.Primary()); err != nil {
		return err
	}
	if err := c.WaitReplayed(ctx); err != nil {
		return err
	}
	return c.ClearStatements(ctx)
}

// restoreRoles gives all servers the roles that they had at the start. They
// begin with the same empty database, and with no history.
func (c *Cluster) restoreRoles(ctx context.Context) error {
	primary := c.servers[0]
	err := c.each(func(s *Server) error {
		if err := errors.Join(s.Thaw(ctx), s.Start(ctx)); err != nil {
			return err
		}
		if err := c.flavor.disconnect(ctx, s); err != nil {
			return err
		}
		s.wasPrimary = s == primary
		return c.flavor.forget(ctx, s)
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.primary, c.moved = primary, false
	c.mu.Unlock()
	return c.eachReplica(func(s *Server) error { return c.follow(ctx, s, primary) })
}
