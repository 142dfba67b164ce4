package resolve

import (
	"time"

	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
)

// subject is the entity in hand.
type subject struct {
	key     string
	dossier claim.Dossier
	head    head
	at      time.Time // of what is emitted: the latest change, or the wake-up
	golden  bool      // a row was touched that the golden record may read
	embeds  bool      // a row was touched that a view embeds
	fresh   bool      // compute everything
	keys    int       // version of the key under whose tokens it was last published
	changed bool      // the head must be written
	owed    bool      // it was put aside when it was last computed
	recast  bool      // it was last published under another catalogue
	under   string    // version of the catalogue under which it was last published, "" if the present one or not known

	crashed *crash.Error // the program has failed over it: it is put aside
	unread  []rowName    // its rows that cannot be read: it is put aside
}

// rowName names a row among all datasets.
type rowName struct{ dataset, row string }

// group is the records of a batch about one entity, linked by stage.next.
type group struct {
	key         string
	first, last int
}
