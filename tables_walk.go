package rwsplit

// schemaWalk follows the consequences of events through a schemaGraph.
type schemaWalk struct {
	g              *schemaGraph
	hiddenCascades bool

	seen []events // by node
	list []int32  // nodes that were seen
	todo []schemaEvent
}

// schemaEvent is something that happens to a node.
type schemaEvent struct {
	node int32
	what events
}

// noEffects is what a routine comes to that touches nothing.
var noEffects [eventCount]tableEffects

// entry works out what a name hides.
func (w *schemaWalk) entry(e *tableEntry, nodes []int32) {
	plain := !w.hiddenCascades
	for _, i := range nodes {
		n := &w.g.nodes[i]
		plain = plain && !n.routine && n.kind == tablePlain && len(n.links) == 0 && n.id == w.g.nodes[nodes[0]].id
	}
	if plain {
		e.id = w.g.nodes[nodes[0]].id
		return
	}
	hides := new([eventCount]tableEffects)
	for i := range hides {
		hides[i] = w.from(1<<i, nodes)
	}
	if *hides == noEffects {
		hides = &noEffects
	}
	e.hides = hides
}

// from returns what an event at some nodes comes to: routines run, and to
// tables and views happens everything else.
func (w *schemaWalk) from(what events, nodes []int32) (fx tableEffects) {
	for _, i := range w.list {
		w.seen[i] = 0
	}
	w.list, w.todo = w.list[:0], w.todo[:0]
	for _, i := range nodes {
		if w.g.nodes[i].routine == (what == eventRun) {
			w.happen(i, what)
		}
	}
	for len(w.todo) > 0 && !(fx.sees.all && fx.changes.all) {
		next := w.todo[len(w.todo)-1]
		w.todo = w.todo[:len(w.todo)-1]
		n := &w.g.nodes[next.node]
		if !n.routine {
			w.touch(&fx, n, next.what)
		}
		for _, l := range n.links {
			on := l.on & next.what
			if on == 0 {
				continue
			}
			if l.to == anythingNode {
				return tableEffects{sees: everyTable, changes: everyTable}
			}
			if l.does != 0 {
				on = l.does
			}
			w.happen(l.to, on)
		}
	}
	return fx
}

// happen puts on the list what has not happened to the node yet.
func (w *schemaWalk) happen(node int32, what events) {
	if w.seen[node] == 0 {
		w.list = append(w.list, node)
	}
	if what &^= w.seen[node]; what != 0 {
		w.seen[node] |= what
		w.todo = append(w.todo, schemaEvent{node, what})
	}
}

// touch adds a table or view to which something happens.
func (w *schemaWalk) touch(fx *tableEffects, n *schemaNode, what events) {
	switch n.kind {
	case tablePlain:
		fx.sees.add(n.id)
		if what&eventWrites != 0 {
			fx.changes.add(n.id)
		}
	case tableSequence, tableForeign:
		fx.sees.all = true
		fx.changes.all = fx.changes.all || what&eventWrites != 0
	}
	if w.hiddenCascades && what&(eventUpdate|eventDelete) != 0 {
		fx.sees.all, fx.changes.all = true, true
	}
}
