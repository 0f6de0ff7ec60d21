package rwsplit

import "log/slog"

// learnTables turns what the catalog says into an index. Names keep the IDs
// that they had. It returns nil if there are too many of them.
func (c *Connector) learnTables(facts schemaFacts) *tableIndex {
	ix := learnTables(&c.tableNames, c.classifier.Load().lang, &facts)
	if ix == nil && c.firstTime("too many tables") {
		c.log(slog.LevelWarn, "rwsplit: there are too many table names to track; an unconfirmed write holds back every read", "limit", maxTableNames)
	}
	return ix
}

// schemaGraph is what happens where in consequence of what.
type schemaGraph struct {
	nodes []schemaNode
	byKey map[string]int32
	index *tableIndex
	named [][]int32 // by entry: the nodes that have its name
}

// schemaNode is a table, view or routine.
type schemaNode struct {
	id      tableID
	kind    tableKind
	routine bool
	links   []schemaEdge
}

// schemaEdge is a schemaLink from a node.
type schemaEdge struct {
	to       int32 // anythingNode: anything may happen
	on, does events
}

const anythingNode = -1

func learnTables(names *tableNames, lang language, facts *schemaFacts) *tableIndex {
	g := &schemaGraph{byKey: make(map[string]int32, len(facts.tables)+len(facts.routines))}
	if !g.addNames(names, facts) {
		return nil
	}
	g.addParts(facts)
	for i := range facts.links {
		l := &facts.links[i]
		g.link(g.node(l.from), schemaEdge{to: g.node(l.to), on: l.on, does: l.does})
	}
	reader := newTextReader(g.index, lang)
	for i := range facts.texts {
		x := &facts.texts[i]
		g.addText(reader, g.node(x.of), x.on, x.text, x.locals)
	}
	walk := schemaWalk{g: g, seen: make([]events, len(g.nodes)), hiddenCascades: facts.hiddenCascades}
	for k := range g.index.list {
		walk.entry(&g.index.list[k], g.named[k])
	}
	g.index.always.hides = &[eventCount]tableEffects{runBit: walk.from(eventRun, []int32{g.node(everyStatement)})}
	return g.index
}

// addNames makes the nodes and the index of their names.
func (g *schemaGraph) addNames(names *tableNames, facts *schemaFacts) bool {
	entries := make(map[string]int32, len(facts.tables))
	var list []tableEntry
	beyondASCII, quotes := false, false
	entry := func(name string) int32 {
		name = asciiLower(name)
		for i := range len(name) {
			beyondASCII = beyondASCII || name[i] >= 0x80
			quotes = quotes || name[i] == '"' || name[i] == '`' || name[i] == ']'
		}
		k, ok := entries[name]
		if !ok {
			k = int32(len(list))
			entries[name] = k
			list = append(list, tableEntry{name: name})
			g.named = append(g.named, nil)
		}
		g.named[k] = append(g.named[k], int32(len(g.nodes)))
		return k
	}
	for i := range facts.tables {
		t := &facts.tables[i]
		k := entry(t.name)
		e := &list[k]
		if !e.table {
			id, ok := names.id(e.name)
			if !ok {
				return false
			}
			e.id, e.table = id, true
		}
		g.byKey[t.key] = int32(len(g.nodes))
		g.nodes = append(g.nodes, schemaNode{id: e.id, kind: t.kind})
	}
	for i := range facts.routines {
		r := &facts.routines[i]
		k := entry(r.name)
		list[k].routine = true
		list[k].column = list[k].column || r.column
		g.byKey[r.key] = int32(len(g.nodes))
		g.nodes = append(g.nodes, schemaNode{routine: true})
	}
	g.byKey[everyStatement] = int32(len(g.nodes))
	g.nodes = append(g.nodes, schemaNode{routine: true})
	g.index = newTableIndex(list)
	g.index.beyondASCII, g.index.quotes = beyondASCII, quotes
	return true
}

// node returns the node of a key. What has none can't be seen and may be
// anything.
func (g *schemaGraph) node(key string) int32 {
	if i, ok := g.byKey[key]; ok && key != anything {
		return i
	}
	return anythingNode
}

// link adds an edge. What an unseen object passes on happens unseen too: see
// schemaFacts.hiddenCascades.
func (g *schemaGraph) link(from int32, e schemaEdge) {
	if from != anythingNode {
		g.nodes[from].links = append(g.nodes[from].links, e)
	}
}

// addParts joins tables with their partitions and children: all of a family
// have one ID, since the rows of one are rows of others.
func (g *schemaGraph) addParts(facts *schemaFacts) {
	root := make([]int32, len(g.nodes))
	for i := range root {
		root[i] = int32(i)
	}
	find := func(i int32) int32 {
		for root[i] != i {
			root[i] = root[root[i]]
			i = root[i]
		}
		return i
	}
	for _, p := range facts.parts {
		child, parent := g.node(p.child), g.node(p.parent)
		if child == anythingNode || parent == anythingNode {
			g.link(child, schemaEdge{to: anythingNode, on: eventAny})
			g.link(parent, schemaEdge{to: anythingNode, on: eventAny})
			continue
		}
		g.link(parent, schemaEdge{to: child, on: eventAny})
		// A row that moves to another partition is deleted and inserted.
		g.link(parent, schemaEdge{to: child, on: eventUpdate, does: eventInsert | eventDelete})
		root[find(child)] = find(parent)
	}
	for i := range g.nodes {
		g.nodes[i].id = g.nodes[find(int32(i))].id
	}
}

// addText links a node to everything that a text names.
func (g *schemaGraph) addText(r *textReader, of int32, on events, text string, locals []string) {
	found, verbs, ok := r.read(text, locals)
	if !ok {
		g.link(of, schemaEdge{to: anythingNode, on: on})
		return
	}
	for _, f := range found {
		does := events(0)
		if f.what&foundSource != 0 {
			does |= eventRead
		}
		if f.what&foundTarget != 0 {
			does |= eventRead | verbs
		}
		for _, to := range g.named[f.entry] {
			if g.nodes[to].routine {
				if f.what&foundCall != 0 {
					g.link(of, schemaEdge{to: to, on: on, does: eventRun})
				}
				continue
			}
			if does != 0 {
				g.link(of, schemaEdge{to: to, on: on, does: does})
			}
			if of != anythingNode && g.nodes[of].kind == tableView {
				g.link(of, schemaEdge{to: to, on: on & eventWrites})
			}
		}
	}
}
