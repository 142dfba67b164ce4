package place

// Proof holds what the server sends first against the transaction that was
// published last: whether its log is still the one that was read. A database
// that was put back from an earlier copy of its files has the same system
// identifier and timeline, and once its log has grown past our place nothing
// else tells the two apart.
//
// The server starts at what it was told it may forget, which is not behind our
// last transaction (Position.Release), and its slot, put back with the copy, is
// no further than the copy. So if the copy is older than our last transaction,
// the server would have to send that one and cannot: it has another at that
// place, or none. If the copy is younger, nothing of ours is missing, and a
// transaction that it has between our last one and the place up to which we had
// seen the log is one that was not there before.
type Proof struct {
	commit LSN    // where our last transaction is
	xid    uint32 // which it is: 0 = not known, by a position of format 1
	at     int64
	flush  LSN  // up to here the log held nothing that is not published
	due    bool // the server has to send it
	seen   bool
}

// NewProof is of what follows a position; the server starts to send at heard.
func NewProof(from Position, heard LSN) Proof {
	return Proof{commit: from.Commit, xid: from.XID, at: from.At, flush: from.Flush, due: from.XID != 0 && heard <= from.Commit}
}

// Transaction says whether one that is sent belongs to the log that was read.
func (p *Proof) Transaction(commit LSN, xid uint32, at int64) bool {
	switch {
	case commit < p.commit:
		return true
	case commit == p.commit:
		p.seen = true
		return p.xid == 0 || p.xid == xid && p.at == at
	}
	return p.Passed(commit) && commit >= p.flush
}

// Passed says whether the server may have sent everything before a place.
func (p *Proof) Passed(end LSN) bool { return !p.due || p.seen || end <= p.commit }
