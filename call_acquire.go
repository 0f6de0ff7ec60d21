package rwsplit

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
)

// acquire returns the slot that will run the call, dialled and reset. A
// replica that can't be dialled makes room for another one or the primary.
func (c *conn) acquire(ctx context.Context, k *call) (*slot, error) {
	for {
		i := k.v.target
		if i == none {
			if k.v.replicas == 0 {
				return nil, c.c.errNoPrimary()
			}
			i = c.pick(k)
		}
		sl := &c.slots[i]
		failures := sl.srv.failures.Load()
		err := c.readyOnce(ctx, sl, k.v.movable)
		onReplica := k.v.movable || k.v.reason == ReasonPinned && sl.role == RoleReplica
		if err == nil && onReplica && k.need != noRequirement && !c.vouched(ctx, sl, &k.need) {
			if err := c.exclude(k, i, ReasonNotCaughtUp, errOtherServer); err != nil {
				return nil, err
			}
			continue
		}
		if err == nil {
			k.slot = sl
			c.report(ctx, k)
			return sl, nil
		}
		if !k.v.movable || ctx.Err() != nil || c.poisoned {
			if c.c.roles != nil && sl.role == RolePrimary {
				c.c.roles.look()
			}
			return nil, err
		}
		if err != errTrialElsewhere && err != errReplicaDown && err != errBroken {
			c.c.replicaFailed(sl.srv, err, failures)
		}
		if err := c.exclude(k, i, ReasonReplicasDown, err); err != nil {
			return nil, err
		}
	}
}

// pick takes one of the replicas that qualify.
func (c *conn) pick(k *call) int {
	if k.session != nil {
		return k.session.choose(c.c.board.load(), k.v.replicas, c.held, c.c.balancer)
	}
	if k.op == OpPrepare {
		return c.c.balancer.foresee(k.v.replicas, c.held)
	}
	return c.c.balancer.pick(k.v.replicas, c.held)
}

// errOtherServer says why a replica that qualified does not after all.
var errOtherServer = errors.New("rwsplit: the connection leads to another server than the one that was asked for its position")

// errTrialElsewhere says that another connection is finding out whether a
// replica that failed can be dialled again, or will before long.
var errTrialElsewhere = errors.New("rwsplit: it could not be dialled, and is tried again on another connection")

// errReplicaDown says that a replica was found not to answer after the read was
// routed to it.
var errReplicaDown = errors.New("rwsplit: the replica does not answer")

// errBroken says that a replica's connection is no good, and can't be closed
// before the end of the scope.
var errBroken = errors.New("rwsplit: the connection broke while rows of it were read")

func (c *conn) readyOnce(ctx context.Context, sl *slot, movable bool) error {
	switch {
	case !sl.broken || sl.tx.api: // a transaction's own connection says itself that it is no good
	case movable:
		return errBroken
	default:
		return driver.ErrBadConn
	}
	if movable && sl.ci == nil && sl.srv.failures.Load() > 0 {
		if sl.srv.downUntil.left() > 0 || !sl.srv.trial.CompareAndSwap(false, true) {
			return errTrialElsewhere
		}
		defer sl.srv.trial.Store(false)
	}
	return c.ready(ctx, sl, movable)
}

// errReplicaLost stands for a replica's driver.ErrBadConn, which must not get
// out: database/sql would throw away the pooled connection with its scope.
var errReplicaLost = errors.New("connection lost")

// exclude takes backend i out of the replicas that the call may run on.
func (c *conn) exclude(k *call, i int, reason Reason, cause error) error {
	k.v.replicas = k.v.replicas.without(i)
	k.v.target = none
	if k.v.replicas != 0 {
		return nil
	}
	if c.c.policy.fallbackError {
		if errors.Is(cause, driver.ErrBadConn) {
			cause = errReplicaLost
		}
		return fmt.Errorf("%w: %s: %w", ErrNoReplica, reason, cause)
	}
	k.v = verdict{target: c.c.board.load().primary, reason: reason}
	return nil
}
