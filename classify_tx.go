package rwsplit

// txEffect notes transaction control: it runs on the primary unless the router
// knows better, and is no write of its own.
func (s *scanner) txEffect(tx TxControl, reason string) {
	s.apply(effPrimary, reason)
	s.st.Tx = tx
}

// txEnd is txEffect for a statement that must end here.
func (s *scanner) txEnd(tx TxControl, reason string) {
	s.txEffect(tx, reason)
	if !s.atEnd() {
		s.unknown()
	}
}

// beginTx reads BEGIN.
func (s *scanner) beginTx(w *wordEntry) {
	switch s.r.lang {
	case langPostgres:
		if !s.accept("work") {
			s.accept("transaction")
		}
		s.txModes(w)
	case langSQLite:
		if !s.accept("deferred") && !s.accept("immediate") && !s.accept("exclusive") {
			s.accept("concurrent")
		}
		s.accept("transaction")
		s.txEnd(TxBegin, w.startReason)
	case langGeneric:
		if !s.accept("work") && !s.accept("tran") {
			s.accept("transaction")
		}
		s.txEnd(TxBegin, w.startReason)
	default:
		s.accept("work")
		if !s.atEnd() { // BEGIN NOT ATOMIC of MariaDB
			s.apply(effOpaqueTx, "compound statement (BEGIN)")
			s.routine()
			return
		}
		s.txEffect(TxBegin, w.startReason)
	}
}

// startTx reads START.
func (s *scanner) startTx(w *wordEntry) {
	if s.accept("transaction") {
		s.txModes(w)
		return
	}
	if s.r.lang.mysqlFamily() {
		s.apply(effMaybeCommit, "write (START)")
		s.skip()
		return
	}
	s.unknown()
}

// txModes reads what follows BEGIN and START TRANSACTION.
func (s *scanner) txModes(w *wordEntry) {
	readOnly, readWrite, serializable := false, false, false
	for !s.atEnd() {
		switch {
		case s.kind == tokComma:
			s.next()
		case s.accept("isolation"):
			s.accept("level")
			switch {
			case s.accept("serializable"):
				serializable = true
			case s.accept("repeatable") && s.accept("read"):
			case s.accept("read") && (s.accept("committed") || s.accept("uncommitted")):
			default:
				s.unknown()
				return
			}
		case s.accept("read"):
			switch {
			case s.accept("only"):
				readOnly = true
			case s.accept("write"):
				readWrite = true
			default:
				s.unknown()
				return
			}
		case s.accept("not"), s.accept("deferrable"), s.accept("with"), s.accept("consistent"), s.accept("snapshot"):
		default:
			s.unknown()
			return
		}
	}
	// A standby of PostgreSQL refuses SERIALIZABLE, even READ ONLY.
	refused := serializable && s.r.lang == langPostgres || s.r.lang == langGeneric
	if readOnly && !readWrite && !refused {
		s.st.Tx, s.st.Reason = TxBeginReadOnly, "begins a read-only transaction"
		return
	}
	s.txEffect(TxBegin, w.startReason)
}

// commit reads COMMIT and END.
func (s *scanner) commit(w *wordEntry) {
	if s.r.lang == langPostgres && s.is("prepared") {
		s.apply(effWrite, "write (COMMIT PREPARED)")
		s.skip()
		return
	}
	s.txWords()
	s.txTail(TxCommit, w)
}

// rollback reads ROLLBACK and ABORT.
func (s *scanner) rollback(w *wordEntry) {
	if s.r.lang == langPostgres && s.is("prepared") {
		s.apply(effWrite, "write (ROLLBACK PREPARED)")
		s.skip()
		return
	}
	s.txWords()
	if s.is("to") {
		s.txEffect(TxSavepoint, "transaction control (ROLLBACK TO)")
		s.skip()
		return
	}
	s.txTail(TxRollback, w)
}

func (s *scanner) txWords() {
	if !s.accept("work") && !s.r.lang.mysqlFamily() && !s.accept("transaction") && s.r.lang == langGeneric {
		s.accept("tran")
	}
}

// txTail reads [AND [NO] CHAIN] [[NO] RELEASE].
func (s *scanner) txTail(tx TxControl, w *wordEntry) {
	if s.accept("and") {
		if s.accept("no") {
			s.accept("chain")
		} else if s.accept("chain") {
			tx = TxChain
		}
	}
	if s.r.lang.mysqlFamily() {
		s.accept("no")
		s.accept("release")
	}
	s.txEnd(tx, w.startReason)
}

// xa reads XA of MySQL and MariaDB.
func (s *scanner) xa(w *wordEntry) {
	s.apply(effWrite, w.startReason)
	switch {
	case s.is("start"), s.is("begin"):
		s.st.Tx = TxXAStart
	case s.is("commit"), s.is("rollback"), s.is("prepare"):
		s.st.Tx = TxXAEnd
	case s.is("end"), s.is("recover"):
	default:
		s.unknown()
		return
	}
	s.skip()
}
