package cluster

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	dc "github.com/ory/dockertest/v3/docker"
)

// State is what a server's process is doing.
type State int32

// States of a server.
const (
	Running State = iota
	Frozen        // paused: connections are accepted and nothing answers
	Stopped       // killed or shut down: connections are refused
)

// Server is one server of a cluster. Its methods may be called from several
// goroutines, but not while another one changes the state of the same server.
type Server struct {
	// Name is "primary", "replica1", "replica2", ... as the servers started;
	// it does not change with a promotion.
	Name string
	// Port is the server's port on 127.0.0.1; it stays the same for good.
	Port int

	c      *Cluster
	index  int
	source string // host of the primary that it was first made from, "" for a primary
	admin  *sql.DB
	state  atomic.Int32

	wasPrimary bool
	quiet      atomic.Bool
	touched    atomic.Bool // replay may be delayed or paused

	logMu sync.Mutex // protects log
	log   statementLog
}

// host is the server's name in its network.
func (s *Server) host() string { return s.c.id + "-" + s.Name }

// State returns what the server was last told to do.
func (s *Server) State() State { return State(s.state.Load()) }

// AppDSN is the base driver's DSN of the application's user.
func (s *Server) AppDSN() string { return s.c.flavor.dsn(appUser, appPassword, s.Port) }

// AdminDSN is the base driver's DSN of the administrator.
func (s *Server) AdminDSN() string {
	return s.c.flavor.dsn(s.c.flavor.adminUser(), adminPassword, s.Port)
}

// Admin returns a pool of the administrator's connections. It belongs to the
// cluster: it is not to be closed.
func (s *Server) Admin() *sql.DB { return s.admin }

// Addr is the server's host and port as the host sees it.
func (s *Server) Addr() string { return fmt.Sprintf("127.0.0.1:%d", s.Port) }

// ID is the server's own answer to [Engine.WhichQuery].
func (s *Server) ID(ctx context.Context) (id string, err error) {
	err = s.admin.QueryRowContext(ctx, s.c.Engine.WhichQuery()).Scan(&id)
	return id, err
}

// Connections returns how many connections the application has to the server.
func (s *Server) Connections(ctx context.Context) (int, error) {
	return s.c.flavor.connections(ctx, s)
}

// Kill ends the server's process with SIGKILL.
func (s *Server) Kill(ctx context.Context) error { return s.end(ctx, dc.SIGKILL) }

// Stop shuts the server down in order, without waiting for its clients.
func (s *Server) Stop(ctx context.Context) error { return s.end(ctx, s.c.flavor.stopSignal()) }

func (s *Server) end(ctx context.Context, signal dc.Signal) error {
	switch s.State() {
	case Stopped:
		return nil
	case Frozen:
		// A paused container can't be killed.
		if err := s.Thaw(ctx); err != nil {
			return err
		}
	}
	s.state.Store(int32(Stopped))
	if err := s.c.pool.Client.KillContainer(dc.KillContainerOptions{Context: ctx, ID: s.host(), Signal: signal}); err != nil {
		return fmt.Errorf("cluster: %s: %w", s.Name, err)
	}
	_, err := s.c.pool.Client.WaitContainerWithContext(s.host(), ctx)
	return err
}

// Start starts a killed or stopped server and waits until it answers, on its
// old port and in its old role.
func (s *Server) Start(ctx context.Context) error {
	if s.State() != Stopped {
		return nil
	}
	return s.start(ctx)
}

func (s *Server) start(ctx context.Context) error {
	if err := s.c.pool.Client.StartContainerWithContext(s.host(), nil, ctx); err != nil {
		return fmt.Errorf("cluster: %s: %w", s.Name, err)
	}
	s.state.Store(int32(Running))
	return s.ready(ctx)
}

// Restart kills the server and starts it again.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.Kill(ctx); err != nil {
		return err
	}
	return s.Start(ctx)
}

// Freeze stops the server's processes where they are: connections stay open
// and are accepted, and nothing answers.
func (s *Server) Freeze(ctx context.Context) error {
	if s.State() != Running {
		return fmt.Errorf("cluster: %s does not run", s.Name)
	}
	// On a busy machine the kernel may need longer to stop all processes than
	// the engine waits for it.
	err := poll(ctx, func() error {
		err := s.c.pool.Client.PauseContainer(s.host())
		if err != nil && !strings.Contains(err.Error(), "unable to freeze") {
			return final{err}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("cluster: %s: %w", s.Name, err)
	}
	s.state.Store(int32(Frozen))
	return nil
}

// Thaw lets a frozen server go on.
func (s *Server) Thaw(context.Context) error {
	if s.State() != Frozen {
		return nil
	}
	if err := s.c.pool.Client.UnpauseContainer(s.host()); err != nil {
		return fmt.Errorf("cluster: %s: %w", s.Name, err)
	}
	s.state.Store(int32(Running))
	return nil
}

// ready waits until the server answers its administrator.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	err := poll(ctx, func() error {
		once, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		if err := s.admin.PingContext(once); err == nil {
			return nil
		} else if container, inspectErr := s.c.pool.Client.InspectContainer(s.host()); inspectErr == nil && !container.State.Running {
			return final{fmt.Errorf("cluster: %s has ended with exit code %d", s.Name, container.State.ExitCode)}
		} else {
			return err
		}
	})
	return s.failure(err)
}

// Delay makes the replica replay each transaction d after the primary has
// committed it; 0 ends that. MySQL and MariaDB round up to whole seconds.
func (s *Server) Delay(ctx context.Context, d time.Duration) error {
	s.touched.Store(true)
	return s.c.flavor.setDelay(ctx, s, d)
}

// PauseReplay makes the replica receive and not replay.
func (s *Server) PauseReplay(ctx context.Context) error {
	s.touched.Store(true)
	return s.c.flavor.pause(ctx, s)
}

// ResumeReplay ends PauseReplay.
func (s *Server) ResumeReplay(ctx context.Context) error { return s.c.flavor.resume(ctx, s) }
