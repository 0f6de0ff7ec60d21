package rwsplit

// statement classifies one statement, from the current token up to its end.
func (s *scanner) statement() {
	s.st, s.rank, s.last, s.demands, s.explain, s.depth, s.inside = Statement{}, 0, false, false, false, 0, 0
	s.levels[0] = 0
	if s.tabs != nil {
		s.tabs.begin(s.r, false)
	}
	s.begin()
	if !s.broken && !s.atEnd() {
		s.skip()
	}
	s.finish()
	if s.tabs != nil {
		s.tabs.end(s.src, &s.st)
	}
}

// begin reads a statement by its first word. It is also used for the statement
// inside of another one (EXPLAIN, SET STATEMENT).
func (s *scanner) begin() {
	if s.inside++; s.inside > maxInside {
		s.unreadable("nested too deeply")
		return
	}
	for s.kind == tokLParen && s.depth < maxDepth {
		s.seen()
		s.depth++
		s.levels[s.depth] = 0
		s.next()
	}
	if s.kind == tokBad {
		s.unreadable("malformed text")
		return
	}
	w := s.word
	if s.kind != tokWord {
		w = &noWord
	}
	if s.depth > 0 && w.start != startQuery {
		s.unknown()
		return
	}
	switch w.start {
	case startUnknown:
		s.unknown()
	case startQuery:
		if s.rank == 0 {
			s.st.Reason = reasonPlainRead
		}
		first := s.lexer
		s.tables(0)
		s.body(bodyQuery)
		if s.st.State == StateAdvisoryLock && !s.st.Writes && !s.explain {
			s.unlockAll(first)
		}
	case startDML:
		s.apply(w.startEff, w.startReason)
		s.tables(0)
		s.body(bodyQuery)
	case startFixed:
		s.apply(w.startEff, w.startReason)
		if w.table == tableTruncate {
			s.tables(eventDelete)
		}
		s.next()
		s.body(bodyLoose)
	default:
		s.next()
		s.special(w)
	}
}

// unknown gives up on a statement, not on the text behind it.
func (s *scanner) unknown() {
	s.apply(effOpaqueTx, "unknown statement")
	s.st.Reason = "unknown statement"
	s.skip()
}

// special reads the statements that need more than a line of the rules. The
// current token is the one after the first word.
func (s *scanner) special(w *wordEntry) {
	switch w.start {
	case startDDL:
		s.ddl(w)
	case startExplain:
		s.explainStatement(w)
	case startAnalyze:
		s.analyze(w)
	case startShow:
		s.show(w)
	case startSet:
		s.set(w)
	case startReset:
		s.reset(w)
	case startDiscard:
		s.discard(w)
	case startUnlisten:
		s.clearing(w, s.isOp('*'), StateListen)
	case startClose:
		s.clearing(w, s.is("all"), StateCursor)
	case startBegin:
		s.beginTx(w)
	case startStart:
		s.startTx(w)
	case startCommit:
		s.commit(w)
	case startRollback:
		s.rollback(w)
	case startSavepoint:
		s.txEffect(TxSavepoint, w.startReason)
		s.skip()
	case startXA:
		s.xa(w)
	case startPrepare:
		s.prepare(w)
	case startDeallocate:
		s.deallocate(w)
	case startExecute:
		s.execute(w)
	case startLock:
		s.lock(w)
	case startUnlock:
		s.unlock(w)
	case startFlush:
		s.flush(w)
	case startCopy:
		s.copyStatement(w)
	case startPragma:
		s.pragma(w)
	case startLoad:
		s.apply(w.startEff, w.startReason)
		if s.is("index") {
			s.st.Tx = TxUnknown // of MySQL it ends the transaction, of MariaDB not
		} else if s.is("data") || s.is("xml") {
			s.loadTables()
		}
		s.body(bodyLoose)
	case startGet:
		s.getDiagnostics(w)
	default:
		s.unknown()
	}
}

// ddl reads CREATE, ALTER and DROP.
func (s *scanner) ddl(w *wordEntry) {
	for s.is("or") || s.is("replace") || s.is("global") || s.is("local") || s.is("online") || s.is("offline") || s.is("unique") {
		s.next()
	}
	if s.is("temp") || s.is("temporary") {
		s.next()
		if s.is("table") || s.is("view") || s.is("sequence") || s.is("tables") || s.is("trigger") || s.is("recursive") {
			s.apply(effTempTable, "temporary object")
			s.st.DDL = true
			if s.is("sequence") && s.r.lang.mysqlFamily() {
				s.st.Tx = TxUnknown // MariaDB commits what is open, although it does not for a table
			}
			s.ddlBody()
			return
		}
	}
	if s.is("prepare") && s.r.lang.mysqlFamily() {
		s.apply(effPrepared, "text PREPARE (DROP PREPARE)")
		s.skip()
		return
	}
	s.apply(w.startEff, w.startReason)
	if w.name == "create" && s.makesTemporary() {
		s.apply(effTempTable, "temporary object")
	}
	for !s.atEnd() && s.kind != tokBad {
		if s.kind != tokWord {
			break
		}
		if s.is("procedure") || s.is("function") || s.is("trigger") || s.is("event") || s.is("package") || s.is("rule") {
			s.routine()
			return
		}
		if s.is("table") || s.is("view") || s.is("index") || s.is("materialized") {
			break
		}
		s.next()
	}
	if s.kind == tokVar {
		s.next() // the host of CREATE USER name@host
	}
	s.ddlBody()
}

// makesTemporary reports whether CREATE goes on with words and a name in pg_temp:
// TABLE IF NOT EXISTS pg_temp.t, but not TABLE t AS TABLE pg_temp.u.
func (s *scanner) makesTemporary() (found bool) {
	if s.r.lang != langPostgres {
		return false
	}
	saved := s.lexer
	for s.isName() && !s.is("as") && !found {
		found = s.nameIs(s.start, s.pos, s.kind == tokQuoted, "pg_temp")
		s.next()
	}
	found = found && s.kind == tokDot
	s.lexer = saved
	return found
}

// ddlBody reads the rest of a definition. That of a table may come with a query
// that is executed.
func (s *scanner) ddlBody() {
	if s.is("table") || s.is("materialized") {
		s.body(bodyCreate)
		return
	}
	s.body(bodyLoose)
}

// routine reads the body of a stored routine. Its statements end with
// semicolons too, and where it ends only a parser of them could tell.
func (s *scanner) routine() {
	for s.kind != tokEOF {
		if s.kind == tokBad {
			s.unreadable("malformed text")
			return
		}
		if s.kind == tokSemicolon && s.peekKind() != tokEOF {
			s.apply(effOpaqueTx, "")
			for s.kind != tokEOF && s.kind != tokBad {
				s.next()
			}
			return
		}
		s.next()
	}
}

// copyStatement reads COPY of PostgreSQL.
func (s *scanner) copyStatement(w *wordEntry) {
	s.accept("binary")
	s.st.Reason = reasonPlainRead
	if s.kind == tokLParen {
		// COPY (query) TO: read the query up to its closing parenthesis.
		s.st.Reason = reasonPlainRead
		s.copyQuery()
		if s.broken {
			return
		}
	} else {
		s.tables(eventInsert)
		s.copyTable()
		if s.kind == tokLParen {
			for !s.atEnd() && s.kind != tokRParen && s.kind != tokBad {
				s.next()
			}
			if s.kind == tokRParen {
				s.next()
			}
		}
	}
	switch {
	case s.is("from"):
		s.apply(effWrite, w.startReason)
		s.copyFilter()
	case s.accept("to"):
		switch {
		case s.is("stdout"), s.is("stdin"): // either word will do
		case s.is("program"):
			s.apply(effOpaque, "runs a program (COPY TO PROGRAM)")
		default:
			s.apply(effPrimary, "writes a file of the server (COPY TO)")
		}
	default:
		s.unknown()
		return
	}
	s.skip()
}

// copyFilter reads the rest of COPY FROM, whose WHERE may call anything.
func (s *scanner) copyFilter() {
	for ; !s.atEnd() && s.kind != tokBad; s.next() {
		if s.is("where") && s.tabs != nil {
			s.tabs.all = true
		}
	}
}

// copyTable reads the name of a table.
func (s *scanner) copyTable() {
	var n name
	for s.kind == tokWord && !s.is("from") && !s.is("to") || s.kind == tokQuoted || s.kind == tokDot {
		if s.kind == tokDot {
			n.parts++
			n.qual.start, n.qual.end, n.qual.quoted = n.start, n.end, n.word == nil
		} else {
			n.start, n.end, n.word = s.start, s.pos, s.word
			if s.kind == tokQuoted {
				n.word = nil
			}
		}
		s.relationName()
		s.seen()
		s.next()
	}
	if s.know != nil && len(s.know.relations) > 0 && n.end > 0 && s.primaryOnly(&n) {
		s.apply(effPrimary, reasonPrimaryOnly)
	}
}

// relationName is what body does with the name of a relation, where that does
// not read it.
func (s *scanner) relationName() {
	switch {
	case len(s.r.localPrefix) == 0:
	case s.kind == tokWord && s.word.bareEff != effNone:
		s.apply(s.word.bareEff, s.word.bareReason)
	case s.isName() && maybeLocal(s.src[s.start], s.pos-s.start):
		s.localName(false)
	}
}

// copyQuery reads a query in parentheses and stops behind them.
func (s *scanner) copyQuery() {
	s.tables(0)
	s.seen()
	s.next()
	for s.kind == tokLParen && s.depth < maxDepth {
		s.seen()
		s.depth++
		s.levels[s.depth] = 0
		s.next()
	}
	w := s.word
	if s.kind != tokWord {
		w = &noWord
	}
	if w.start == startDML {
		s.apply(w.startEff, w.startReason)
	} else if w.start != startQuery {
		s.unknown()
		return
	}
	s.stop = stopParen
	s.body(bodyQuery)
	s.stop = stopNone
}

// getDiagnostics reads GET DIAGNOSTICS.
func (s *scanner) getDiagnostics(w *wordEntry) {
	s.apply(effLast, w.startReason)
	for ; !s.atEnd() && s.kind != tokBad; s.next() {
		if s.kind == tokVar {
			s.st.State |= StateUserVar
		}
	}
}

// pragma reads PRAGMA of SQLite: https://www.sqlite.org/pragma.html
func (s *scanner) pragma(w *wordEntry) {
	if s.kind == tokWord && s.peekKind() == tokDot {
		s.next()
		s.next()
	}
	if s.kind != tokWord || s.pos-s.start > maxNameLen {
		s.unknown()
		return
	}
	var buf [maxNameLen]byte
	rule, ok := sqlitePragmas[string(fold(buf[:0], s.text()))]
	s.next()
	arg := s.kind == tokLParen || s.isOp('=')
	switch {
	case !ok:
		s.apply(effOpaque, "unknown PRAGMA")
	case rule == pragmaRead, rule == pragmaValue && !arg:
		s.st.Reason = reasonPlainRead
	case rule != pragmaWrite && !arg:
		s.apply(effPrimary, "value of this connection (PRAGMA)")
	case rule == pragmaSession:
		s.apply(effSetting, "setting of this connection (PRAGMA)")
	default:
		s.apply(effWrite, w.startReason)
		s.st.State |= StateSetting
	}
	s.skip()
}
