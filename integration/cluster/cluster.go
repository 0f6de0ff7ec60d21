package cluster

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ory/dockertest/v3"
	dc "github.com/ory/dockertest/v3/docker"
)

const (
	appUser       = "app"
	appPassword   = "secret"
	adminPassword = "admin-secret"

	// startTimeout bounds the start of a server.
	startTimeout = 90 * time.Second
)

// Options say what kind of cluster to start. The zero value of each field
// means its default.
type Options struct {
	// Replicas is the number of replicas. Default: 2; negative means none.
	Replicas int
}

// Cluster is a primary and its replicas, in containers of their own network.
type Cluster struct {
	// Engine is what the servers are.
	Engine Engine
	// Version is the servers' version.
	Version string

	flavor  flavor
	pool    *dockertest.Pool
	image   string
	id      string
	seed    string // volume
	network string
	servers []*Server

	mu      sync.Mutex // protects primary, moved, spoiled and closed
	primary *Server
	moved   bool // roles are not as they were at the start
	spoiled bool // something else is not either
	closed  bool
}

// Start starts a cluster and waits until its replicas replicate. It takes a
// few seconds and is bounded in time also without a deadline in ctx. The
// caller closes the cluster.
func Start(ctx context.Context, e Engine, opts Options) (*Cluster, error) {
	f, err := flavorOf(e)
	if err != nil {
		return nil, err
	}
	pool, err := dockerPool()
	if err != nil {
		return nil, err
	}
	if opts.Replicas == 0 {
		opts.Replicas = 2
	}
	c := &Cluster{Engine: e, flavor: f, pool: pool, image: e.Image()}
	for i := range 1 + max(opts.Replicas, 0) {
		name := "primary"
		if i > 0 {
			name = "replica" + strconv.Itoa(i)
		}
		c.servers = append(c.servers, &Server{Name: name, Port: freePort(), c: c, index: i})
	}
	if err := c.up(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, c.note()
}

// up makes and starts everything.
func (c *Cluster) up(ctx context.Context) error {
	release, err := startLock()
	if err != nil {
		return err
	}
	defer release()
	// How long others took is not counted against this one.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*startTimeout)
	defer cancel()
	c.id = fmt.Sprintf("rwsplit-%s-%08x", c.Engine, rand.Uint32())
	network, err := c.pool.CreateNetwork(c.id, func(config *dc.CreateNetworkOptions) { config.Labels = labels() })
	if err != nil {
		return fmt.Errorf("cluster: network: %w", err)
	}
	c.network = network.Network.ID
	// In memory, which lasts while one server of the cluster runs: the disk is
	// what makes tests wait for each other.
	volume := dc.CreateVolumeOptions{Name: c.id, Labels: labels(), Context: ctx, DriverOpts: map[string]string{"type": "tmpfs", "device": "tmpfs"}}
	if _, err := c.pool.Client.CreateVolume(volume); err != nil {
		return fmt.Errorf("cluster: volume: %w", err)
	}
	if err := c.makeSeed(ctx); err != nil {
		return err
	}
	primary := c.servers[0]
	c.mu.Lock()
	c.primary, c.moved, c.spoiled = primary, false, false
	c.mu.Unlock()
	err = c.each(func(s *Server) (err error) {
		defer func() {
			if err != nil {
				cancel() // the others wait for nothing
			}
		}()
		s.wasPrimary, s.source = s == primary, ""
		if s != primary {
			s.source = primary.host()
		}
		s.log = statementLog{}
		s.quiet.Store(false)
		s.touched.Store(false)
		if err := s.runContainer(ctx); err != nil {
			return err
		}
		s.state.Store(int32(Running))
		if s.admin != nil {
			_ = s.admin.Close()
		}
		if s.admin, err = c.flavor.open(s.AdminDSN()); err != nil {
			return err
		}
		s.admin.SetMaxIdleConns(2)
		return s.ready(ctx)
	})
	if err != nil {
		return err
	}
	if c.Version, err = c.flavor.version(ctx, primary.admin); err != nil {
		return err
	}
	if err := c.eachReplica(func(s *Server) error { return c.follow(ctx, s, primary) }); err != nil {
		return err
	}
	return c.WaitReplayed(ctx)
}

// makeSeed makes the volume that holds what servers of this image start with.
// It stays when the process ends: what is in it takes seconds of processor time
// to make, and ci/clean.sh removes it.
func (c *Cluster) makeSeed(ctx context.Context) error {
	image, err := c.pool.Client.InspectImage(c.image)
	if err != nil {
		return fmt.Errorf("cluster: no image %s; ci/images.sh gets it: %w", c.image, err)
	}
	sum := sha256.Sum256([]byte(image.ID + c.flavor.script(c.servers[0])))
	c.seed = fmt.Sprintf("rwsplit-seed-%s-%x", c.Engine, sum[:6])
	_, err = c.pool.Client.CreateVolume(dc.CreateVolumeOptions{Name: c.seed, Labels: map[string]string{labelSeed: ""}, Context: ctx})
	return err
}

// startLock is held while the servers of a cluster start: many at once, of
// several test binaries, would all be late.
func startLock() (release func(), err error) {
	f, err := os.OpenFile(filepath.Join(os.TempDir(), "rwsplit-cluster-start.lock"), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	for err = syscall.EINTR; err == syscall.EINTR; {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX) // those who wait have their turns in order
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("cluster: %s: %w", f.Name(), err)
	}
	return func() { _ = f.Close() }, nil
}

// Close ends the servers and removes everything. It may be called twice.
func (c *Cluster) Close() {
	c.mu.Lock()
	closed := c.closed
	c.closed = true
	c.mu.Unlock()
	if !closed {
		c.down()
		for _, s := range c.servers {
			if s.admin != nil {
				_ = s.admin.Close()
			}
		}
	}
}

func (c *Cluster) down() {
	_ = c.each(func(s *Server) error {
		removeContainer(c.pool.Client, s.host())
		s.state.Store(int32(Stopped))
		return nil
	})
	if c.network != "" {
		_ = c.pool.Client.RemoveNetwork(c.network)
	}
	_ = c.pool.Client.RemoveVolumeWithOptions(dc.RemoveVolumeOptions{Name: c.id, Force: true})
}

// Primary returns the server that takes writes now.
func (c *Cluster) Primary() *Server {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.primary
}

// Replicas returns the servers other than the primary, in their order.
func (c *Cluster) Replicas() []*Server {
	primary := c.Primary()
	var replicas []*Server
	for _, s := range c.servers {
		if s != primary {
			replicas = append(replicas, s)
		}
	}
	return replicas
}

// Servers returns all servers: the one that started as the primary, then the
// replicas.
func (c *Cluster) Servers() []*Server { return c.servers }

// RWSplitDSN returns the DSN of the driver rwsplit for the application's user,
// with the roles as they are now. Each option is key=value with a plain value,
// such as "max_lag=5s".
func (c *Cluster) RWSplitDSN(options ...string) string {
	lines := []string{"driver=" + c.Engine.DriverName(), "primary=" + quote(c.Primary().AppDSN())}
	for _, s := range c.Replicas() {
		lines = append(lines, "replica="+quote(s.AppDSN()))
	}
	for _, option := range options {
		key, value, _ := strings.Cut(option, "=")
		lines = append(lines, key+"="+quote(value))
	}
	return strings.Join(lines, "\n")
}

// quote writes a value as libpq's keyword/value form has it.
func quote(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// note tells ci/test.sh what was covered.
func (c *Cluster) note() error {
	name := os.Getenv("RWSPLIT_TEST_COVERED")
	if name == "" {
		return nil
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%s %s\n", c.Engine, c.Version)
	return errors.Join(err, f.Close())
}

// each runs f for all servers at once.
func (c *Cluster) each(f func(*Server) error) error { return together(c.servers, f) }

func (c *Cluster) eachReplica(f func(*Server) error) error { return together(c.Replicas(), f) }

func together(servers []*Server, f func(*Server) error) error {
	errs := make([]error, len(servers))
	var wg sync.WaitGroup
	for i, s := range servers {
		wg.Go(func() { errs[i] = f(s) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// freePort returns a port below the range from which systems take ports for
// outgoing connections: it must still be free when a server starts again.
func freePort() int {
	for {
		port := 20000 + rand.IntN(12000)
		if l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			_ = l.Close()
			return port
		}
	}
}

// final is an error that polling does not change.
type final struct{ error }

// poll calls f until it returns nil, and f's last error when ctx ends. Without
// a deadline it gives up after a minute.
func poll(ctx context.Context, f func() error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	wait := 5 * time.Millisecond
	for {
		err := f()
		var end final
		if err == nil {
			return nil
		}
		if errors.As(err, &end) {
			return end.error
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
		wait = min(wait*3/2, 100*time.Millisecond)
	}
}
