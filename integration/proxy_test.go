package integration_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// wireProxy is a network between the application and one server that can be
// cut: connections stay open, new ones are accepted, and no byte gets through.
type wireProxy struct {
	l      net.Listener
	target string
	cut    atomic.Bool

	mu     sync.Mutex // protects following fields
	conns  map[net.Conn]struct{}
	healed chan struct{} // closed when the network is whole
}

func newWireProxy(t testing.TB, target string) *wireProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &wireProxy{l: l, target: target, conns: make(map[net.Conn]struct{}), healed: make(chan struct{})}
	close(p.healed)
	go p.accept()
	t.Cleanup(func() {
		_ = l.Close()
		p.restore()
		p.reset()
	})
	return p
}

func (p *wireProxy) addr() string { return p.l.Addr().String() }

func (p *wireProxy) accept() {
	for {
		client, err := p.l.Accept()
		if err != nil {
			return
		}
		go p.serve(client)
	}
}

func (p *wireProxy) serve(client net.Conn) {
	defer client.Close()
	p.hold(client, true)
	defer p.hold(client, false)
	p.wait()
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	p.hold(server, true)
	defer p.hold(server, false)
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.copy(server, client)
	}()
	p.copy(client, server)
	<-done
}

// copy ends both connections when one of them has ended.
func (p *wireProxy) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 4<<10)
	for {
		n, err := from.Read(buf)
		p.wait()
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *wireProxy) wait() {
	if !p.cut.Load() {
		return
	}
	p.mu.Lock()
	healed := p.healed
	p.mu.Unlock()
	<-healed
}

func (p *wireProxy) hold(nc net.Conn, on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if on {
		p.conns[nc] = struct{}{}
	} else {
		delete(p.conns, nc)
	}
}

// sever cuts the network, restore heals it.
func (p *wireProxy) sever() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.cut.Swap(true) {
		p.healed = make(chan struct{})
	}
}

func (p *wireProxy) restore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut.Swap(false) {
		close(p.healed)
	}
}

// reset ends every connection.
func (p *wireProxy) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for nc := range p.conns {
		_ = nc.Close()
	}
}
