package resolve

import (
	"encoding/hex"
	"time"

	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
)

// A fault of this program shows as a panic over one row or one entity. Neither may
// stop the partition, which holds everybody else's:
//
//   - over a claim (it cannot be decoded, counted): that claim goes to quarantine,
//     as one does that cannot be read, and what was known of its row stays;
//   - over what follows from a dossier (golden record, rules, masks): the entity is
//     put aside. Its claims are taken; nothing is emitted but one entry in quarantine;
//     golden record, views and findings stay as they were last said, and its head
//     says under an edition that no catalogue has that they are owed. It is computed
//     afresh when it is next touched, in an hour, or under another catalogue.
//
// An entity is put aside too when rows of it cannot be read any more, because the
// registry has lost their schemas: the golden record would lack what they say, and
// findings would be closed by it, or opened for an absence. Quarantine is told of
// each such row.
//
// All of it is in the transaction of the offsets, and every attempt begins from what
// is stored, so whether and when an attempt succeeds decides nothing of its result.

// owed is, instead of a catalogue's version, in the edition of an entity put aside.
const owed = "~owed"

// retryAside is how long an entity that was put aside stays so, untouched.
const retryAside = time.Hour

// guarded calls fn; a panic is returned as its crash.
func guarded(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = crash.Of(p)
		}
	}()
	return fn()
}

func faultAt(zh, en string, e *crash.Error) string {
	return zh + "，请把此处报告给开发方：" + e.Place() + " / " + en + ", please report the place: " + e.Place() + ", " + e.Type
}

// putAside stores the claims' side of an entity alone, and has it told once.
func (s *stage) putAside(tx processors.Tx, tell func(processors.Tx) error) error {
	clear(s.emits)
	x := &s.subject
	h := &x.head
	h.keep(&s.before)
	h.forget = 0
	h.wake = tx.Now().Add(retryAside).UnixMilli()
	tx.WakeAt([]byte(x.key), time.UnixMilli(h.wake))
	s.key = appendEntity(s.key[:0], prefixDossier, x.key)
	s.buffer = h.append(s.buffer[:0], processors.EditionOf(owed, x.keys, s.keys))
	tx.Put(s.key, s.buffer)
	if x.owed {
		return nil // it was told when it was first put aside
	}
	return tell(tx)
}

// crashed tells quarantine over which entity the program has failed.
func (s *stage) crashed(tx processors.Tx) error {
	x := &s.subject
	return s.quarantine(tx, contract.Rejection{
		Reason: contract.ReasonInternal, Detail: faultAt("该主体无法计算，其视图和核验结果保持原样，下次变更时及每小时重试", "this entity cannot be computed; its views and findings stay as they were, it is tried again at its next change and every hour", x.crashed),
		Source: s.name, At: x.at, Locator: "entity/" + s.keys.Token(contract.LabelFinding, x.key),
	})
}

// unread tells quarantine which rows of the entity cannot be read.
func (s *stage) unread(tx processors.Tx) error {
	x := &s.subject
	for _, row := range x.unread {
		name := hex.EncodeToString(s.keys.Digest(contract.LabelQuarantine, schemas.JoinKey(x.key, row.dataset, row.row)))
		if err := s.quarantine(tx, contract.Rejection{
			Dataset: row.dataset, Reason: contract.ReasonSchema,
			Detail: "已存主张无法按现行模式解读，其主体的视图和核验结果保持原样；请重读该数据源（yiyuan source resync） / a stored claim cannot be read under the present schema; the views and findings of its subject stay as they were, have the source read again (yiyuan source resync)",
			Source: s.name, At: x.at, Locator: "state/" + name, Digest: name,
		}); err != nil {
			return err
		}
	}
	return nil
}
