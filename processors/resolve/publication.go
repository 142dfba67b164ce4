package resolve

import (
	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// publication is one round of emissions about an entity, under one version.
type publication struct {
	*publisher
	tx      processors.Tx
	of      *subject
	version uint64
	shared  []bus.Header // of all but what moves
	emitted bool
}

// emit emits a framed record, a tombstone if value is nil.
func (p *publication) emit(topic contract.Topic, key string, value []byte) error {
	if p.shared == nil {
		p.shared = p.headers(p.version, p.of.at)
	}
	out := bus.Record{Topic: topic, Partition: bus.ByKey, Key: []byte(key), Time: p.of.at, Headers: p.shared}
	if value != nil {
		out.Value = p.arena.Copy(value)
	}
	p.emitted = true
	p.tx.Emit(out)
	return nil
}

// move deletes what stands under a token of another key and says where it stands
// now.
func (p *publication) move(topic contract.Topic, was, now string) {
	headers := append(p.headers(p.version, p.of.at), bus.Header{Key: contract.Moved, Value: []byte(now)})
	p.emitted = true
	p.tx.Emit(bus.Record{Topic: topic, Partition: bus.ByKey, Key: []byte(was), Time: p.of.at, Headers: headers})
}

// row makes a record that lives as long as the entity is in hand.
func (p *publication) row(l *schemas.Layout, values ...schemas.Value) schemas.Record {
	own := p.slab.Values(len(values))
	copy(own, values)
	return schemas.NewRecord(l, own)
}
