package route

import (
	"errors"
	"fmt"
	"strings"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/engine"
	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// read reads the headers of a record.
func (d *dataset) read(r *bus.Record) (change, error) {
	c := change{Record: r, dataset: d}
	op := r.Header(contract.Operation)
	if len(op) != 1 {
		return c, &reject{reason: contract.ReasonUnreadable, detail: "缺少消息头 op / header op is missing; the source must send one of c u d r t x"}
	}
	c.op = schemas.Op(op[0])
	switch c.op {
	case schemas.Create, schemas.Update, schemas.Snapshot:
		if r.Value == nil {
			c.op = schemas.Delete
		}
	case schemas.Delete, schemas.Truncate, schemas.Refused:
	default:
		return c, &reject{reason: contract.ReasonUnreadable, detail: "消息头 op 不是 c u d r t x 之一 / header op is not one of c u d r t x"}
	}
	var ok bool
	if c.source, c.sequence, ok = contract.ParsePos(r.Header(contract.Pos)); !ok {
		return c, &reject{reason: contract.ReasonUnreadable, detail: "消息头 pos 缺失或无法解读，应为 <来源>@<序号> / header pos is missing or cannot be read; want <source>@<sequence>"}
	}
	if at := r.Header(contract.At); at != nil {
		if _, ok := contract.ParseAt(at); !ok {
			return c, &reject{reason: contract.ReasonUnreadable, detail: "消息头 at 不是 1 至 9999 年间的毫秒数 / header at is not a number of milliseconds in the years 1 to 9999"}
		}
	}
	c.outright = len(r.Header(contract.Outright)) > 0
	if c.own, c.named = contract.ParseOwn(r.Header(contract.Own)); c.named {
		c.was, c.moved = contract.ParseOwn(r.Header(contract.Was))
	}
	if len(r.Key) == 0 && c.op != schemas.Truncate {
		return c, &reject{reason: contract.ReasonMissing, detail: "消息没有主键 / the record has no key"}
	}
	return c, nil
}

// decode reads a row. Its second result is nil unless the row is the data's fault.
func (s *stage) decode(d *dataset, key, value []byte) (schemas.Record, error) {
	rec, err := claim.Read(s.ctx, d.Dataset, d.reader, string(key), string(value), &s.slab)
	return rec, s.unread(d, err)
}

// incoming decodes a row that comes in. Whoever wrote it named a schema, and one that
// the registry does not know is not guessed at.
func (s *stage) incoming(d *dataset, value []byte) (schemas.Record, error) {
	rec, err := d.reader.DecodeText(s.ctx, string(value), &s.slab)
	return rec, s.unread(d, err)
}

// unread turns an error of decoding into what becomes of the row.
func (s *stage) unread(d *dataset, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, codec.ErrTooLarge):
		return &reject{reason: contract.ReasonTooLarge, detail: "内容过大 / value too large"}
	case errors.Is(err, codec.ErrUnknownSchema):
		return &reject{reason: contract.ReasonSchema, detail: "模式未知或与数据集不相容 / the schema is unknown or does not fit the dataset"}
	case errors.Is(err, codec.ErrMalformed):
		return &reject{reason: contract.ReasonUnreadable, detail: "内容不是其模式所述的记录 / the bytes are not a record of the schema they name"}
	}
	return fmt.Errorf("decode row of %q: %w: %w", d.ID, engine.ErrLater, err) // the registry's own
}

// accept fills, validates and normalises a decoded row; last is what it was before, missed
// that a version between the two was refused. changed says that the row is no longer what its bytes say.
func (d *dataset) accept(slab *schemas.Slab, c *change, rec, last schemas.Record, missed bool) (out schemas.Record, changed bool, err error) {
	values := slab.Values(rec.Len())
	for i := range values {
		values[i] = rec.Value(i)
	}
	if na := c.Header(contract.Unavailable); len(na) > 0 {
		if err := d.fill(values, last, missed, string(na)); err != nil {
			return rec, false, err
		}
		changed = true
	}
	if keep := c.Header(contract.Kept); len(keep) > 0 && !last.IsZero() {
		d.keep(values, last, string(keep))
		changed = true
	}
	for i, f := range d.Fields {
		v := values[i]
		if v.IsNull() {
			if !f.Nullable {
				return rec, false, &reject{field: f.Name, reason: contract.ReasonMissing, detail: "必填项为空 / a required field is null"}
			}
			continue
		}
		if f.Element.Past && v.Kind() == schemas.KindInt && dayIn(f.Element, v) > c.today+leeway {
			return rec, false, &reject{field: f.Name, reason: contract.ReasonInvalid, detail: "日期在将来，而所记之事应已发生，请更正后重新发送 / the date is yet to come, of what must have happened: correct and send it again"}
		}
		n, err := element.Accept(f.Element, v)
		if err != nil {
			return rec, false, &reject{field: f.Name, reason: contract.ReasonInvalid, detail: err.Error()}
		}
		if n.Equal(v) {
			continue
		}
		if n.IsNull() && !f.Nullable {
			return rec, false, &reject{field: f.Name, reason: contract.ReasonMissing, detail: "必填项为空 / a required field is blank"}
		}
		values[i], changed = n, true
	}
	if err := d.foundOut(values); err != nil {
		return rec, false, err
	}
	if !claim.Bears(d.Dataset, schemas.NewRecord(rec.Layout(), values), string(c.Key)) {
		return rec, false, &reject{field: d.Key[0], reason: contract.ReasonInvalid, detail: "消息键与行的主键不一致 / the record's key is not the row's own", unnamed: true}
	}
	if !changed {
		return rec, false, nil
	}
	return schemas.NewRecord(rec.Layout(), values), true, nil
}

// foundOut refuses a code of no set in a row that speaks about nobody: such a
// code is found about whom the row speaks of, and would pass in silence here.
func (d *dataset) foundOut(values []schemas.Value) error {
	for i := range d.links {
		l := &d.links[i]
		if l.finds && l.keyOf(values[l.column]) != "" {
			return nil
		}
	}
	for i, f := range d.Fields {
		if v := values[i]; f.Element.Kind == "code" && v.Kind() == schemas.KindString && !f.Element.HasCode(v.Str()) {
			return &reject{field: f.Name, reason: contract.ReasonInvalid, detail: "代码不在代码集 " + f.Element.ID + " 中，且该行没有可据以通知的主体，请核对代码或者补充到代码集 / the code is not in the set " + f.Element.ID + " and the row speaks about nobody it could be found about; check it or add it to the set"}
		}
	}
	return nil
}

// fill puts the last image's cells where the source sent none.
func (d *dataset) fill(values []schemas.Value, last schemas.Record, missed bool, columns string) error {
	for name := range strings.SplitSeq(columns, ",") {
		i := d.Layout.Index(name)
		if i < 0 {
			continue // a column that the dataset does not share
		}
		if missed {
			return &reject{field: name, reason: contract.ReasonMissing, detail: "该行的上一个版本被退回，此次未发送的该字段可能是那时改的，不得而知，请重读该数据源 / the row's version before was refused, and may have changed this field, which is not sent now: read the source again"}
		}
		if last.IsZero() {
			return &reject{field: name, reason: contract.ReasonMissing, detail: "来源未发送该字段且没有上一次的值，请重读该数据源 / the source did not send the field and no earlier value is known; take a snapshot"}
		}
		values[i] = last.Value(i)
	}
	return nil
}

// keep puts the last image's cells where the source sent none and need not have
// any: of a row that is new they are null.
func (d *dataset) keep(values []schemas.Value, last schemas.Record, columns string) {
	for name := range strings.SplitSeq(columns, ",") {
		if i := d.Layout.Index(name); i >= 0 {
			values[i] = last.Value(i)
		}
	}
}
