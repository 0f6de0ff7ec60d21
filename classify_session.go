package rwsplit

// clearing reads a statement that touches one kind of session state, and
// with all leaves none of it.
func (s *scanner) clearing(w *wordEntry, all bool, state SessionState) {
	s.apply(w.startEff, w.startReason)
	s.skip()
	if all {
		s.clear(state)
	}
}

// clear notes that state is gone after the statement.
func (s *scanner) clear(state SessionState) {
	s.st.Pins = true
	s.st.State &^= state
	s.st.Clears |= state
}

// discard reads DISCARD of PostgreSQL.
func (s *scanner) discard(w *wordEntry) {
	switch {
	case s.is("all"):
		s.clearing(w, true, StateAll)
	case s.is("temp"), s.is("temporary"):
		s.clearing(w, true, StateTempTable)
		s.st.State = 0
	default:
		s.clearing(w, false, StateSetting)
	}
}

// reset reads RESET of PostgreSQL.
func (s *scanner) reset(w *wordEntry) {
	s.apply(effSetting, w.startReason)
	s.skip()
}

// prepare reads PREPARE.
func (s *scanner) prepare(w *wordEntry) {
	if s.is("transaction") && s.r.lang == langPostgres {
		if s.next(); s.kind == tokString {
			s.apply(effWrite, "write (PREPARE TRANSACTION)")
			s.st.Tx = TxCommit
			s.skip()
			return
		}
	}
	s.apply(effPrepared, w.startReason)
	s.sessionTail()
}

// sessionTail reads over the rest of the statement and notes user variables.
func (s *scanner) sessionTail() {
	for ; !s.atEnd(); s.next() {
		switch s.kind {
		case tokBad:
			s.unreadable("malformed text")
			return
		case tokVar:
			s.st.State |= StateUserVar
		}
	}
}

// deallocate reads DEALLOCATE.
func (s *scanner) deallocate(w *wordEntry) {
	s.accept("prepare")
	s.clearing(w, s.is("all") && s.r.lang == langPostgres, StatePrepared)
}

// execute reads EXECUTE: what was prepared is not known here.
func (s *scanner) execute(w *wordEntry) {
	id := effOpaque
	if s.r.lang != langPostgres { // which prepares no transaction control
		id = effOpaqueTx
	}
	s.apply(id, w.startReason)
	if !s.is("immediate") {
		s.st.State |= StatePrepared
	}
	s.sessionTail()
}

// lock reads LOCK TABLE and its kin.
func (s *scanner) lock(w *wordEntry) {
	switch {
	case !s.r.lang.mysqlFamily():
		s.apply(effLock, w.startReason) // until the transaction ends
	case s.is("instance"):
		// UNLOCK TABLES does not end it.
		s.apply(effTableLock, "table lock (LOCK INSTANCE)")
		s.st.State |= StateOpaque
	default:
		s.apply(effTableLock, "table lock (LOCK TABLES)")
		s.st.Tx = TxImplicitCommit
	}
	s.skip()
}

// unlock reads UNLOCK TABLES and UNLOCK INSTANCE.
func (s *scanner) unlock(w *wordEntry) {
	tables := s.is("tables") || s.is("table")
	s.clearing(w, tables, StateTableLock)
	if tables {
		s.st.Tx = TxUnknown // it commits if LOCK TABLES was in effect
	}
}

// flush reads FLUSH of MySQL and MariaDB.
func (s *scanner) flush(w *wordEntry) {
	s.apply(effCommit, w.startReason)
	for ; !s.atEnd(); s.next() {
		switch {
		case s.kind == tokBad:
			s.unreadable("malformed text")
			return
		case s.is("lock"), s.is("export"):
			s.apply(effTableLock, "table lock (FLUSH TABLES)")
		}
	}
}

// unlockAll looks again at a SELECT that did nothing but use advisory locks:
// SELECT RELEASE_ALL_LOCKS() leaves none.
func (s *scanner) unlockAll(first lexer) {
	saved := s.lexer
	s.lexer = first
	s.next()
	ok := s.is("release_all_locks") && s.r.lang.mysqlFamily() ||
		s.is("pg_advisory_unlock_all") && s.r.lang == langPostgres
	s.next()
	ok = ok && s.kind == tokLParen
	s.next()
	ok = ok && s.kind == tokRParen
	s.next()
	ok = ok && s.atEnd()
	s.lexer = saved
	if ok {
		s.clear(StateAdvisoryLock)
	}
}
