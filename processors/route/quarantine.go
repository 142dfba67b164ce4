package route

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
)

// refuse tells quarantine of a change that could not be taken.
// known says that it is of the row that c's key names.
func (s *stage) refuse(tx processors.Tx, c *change, why *reject, known bool) error {
	q, err := s.rejection(c, why, known)
	if err != nil {
		return err
	}
	tx.Emit(q)
	return nil
}

// rejection is the record of quarantine that tells of a change that could not
// be taken. It never holds a value: the digest is keyed.
func (s *stage) rejection(c *change, why *reject, known bool) (bus.Record, error) {
	r := contract.Rejection{
		Field: why.field, Reason: why.reason, Detail: why.detail, Source: string(c.Topic), At: c.Time,
		Locator: place(c),
	}
	if c.dataset != nil {
		r.Dataset = c.dataset.ID
	}
	r.From, r.Sequence = string(c.source), c.sequence
	if known {
		r.Name(s.keys, string(c.Key), string(c.source), c.sequence)
	}
	if len(c.Value) > 0 {
		r.Digest = hex.EncodeToString(s.keys.Digest(contract.LabelQuarantine, string(c.Value)))
	}
	value, err := s.quarantine.Append(nil, r.Record())
	if err != nil {
		return bus.Record{}, fmt.Errorf("write rejection of %q: %w", r.Locator, err)
	}
	return bus.Record{Topic: contract.Quarantine, Partition: bus.ByKey, Key: []byte(r.Key()), Value: value, Time: c.Time}, nil
}

// duplicate tells quarantine that c's row came beside another of its key.
func (s *stage) duplicate(c *change, last image) error {
	field := c.dataset.Key[0]
	is, err := schemas.SplitKey(string(c.spelling(c.own)))
	was, err2 := schemas.SplitKey(string(c.spelling(last.own)))
	for i := range c.dataset.Key {
		if err == nil && err2 == nil && i < len(is) && i < len(was) && is[i] != was[i] {
			field = c.dataset.Key[i]
			break
		}
	}
	r := contract.Rejection{
		Dataset: c.dataset.ID, Field: field, Reason: contract.ReasonDuplicate,
		Detail: duplicateDetail(string(c.source)),
		Source: string(c.Topic), At: c.Time, Locator: place(c) + ":" + field,
	}
	r.Name(s.keys, string(c.Key), string(c.source), c.sequence)
	if len(c.Value) > 0 {
		r.Digest = hex.EncodeToString(s.keys.Digest(contract.LabelQuarantine, string(c.Value)))
	}
	value, err := s.quarantine.Append(nil, r.Record())
	if err != nil {
		return fmt.Errorf("write rejection of %q: %w", r.Locator, err)
	}
	s.out = append(s.out, bus.Record{Topic: contract.Quarantine, Partition: bus.ByKey, Key: []byte(r.Key()), Value: value, Time: c.Time})
	return nil
}

func duplicateDetail(source string) string {
	return strings.Join([]string{
		"来源中有两行的主键只是写法不同（如 15 位与 18 位号码、x 与 X），是同一主键。现以较新的一行为准，较早的一行暂存，查询结果注明 refused；请部门把两行合为一行（删去其中一行），随后自行恢复。若仍注明，运行 " + contract.ResyncCommand(source),
		"two rows of the source write one key in two ways (15 and 18 digits, x and X). The newer is shown, the elder is kept aside, and answers say refused; have the department make one row of them (delete either), it then settles by itself. If it does not: " + contract.ResyncCommand(source),
	}, " / ")
}

// lost tells quarantine of an image whose schema is found nowhere: what it said
// about entities that are not part of its key stays said, until its source is read
// again as a whole.
func (s *stage) lost(c *change, last image) error {
	name := hex.EncodeToString(s.keys.Digest(contract.LabelQuarantine, schemas.JoinKey(c.dataset.ID, string(c.Key))))
	r := contract.Rejection{
		Dataset: c.dataset.ID, Reason: contract.ReasonSchema,
		Detail: "本行上一次内容的模式已从注册表丢失，无法撤回它对其他主体的说法；请重读该数据源 / the schema of the row's last content is lost from the registry, so what it said about other subjects cannot be taken back; re-read the source as a whole",
		Source: string(c.Topic), At: c.Time, Locator: "state/" + name, Digest: hex.EncodeToString(s.keys.Digest(contract.LabelQuarantine, string(last.row))),
		From: string(c.source), Sequence: c.sequence,
	}
	value, err := s.quarantine.Append(nil, r.Record())
	if err != nil {
		return fmt.Errorf("write rejection of %q: %w", r.Locator, err)
	}
	s.out = append(s.out, bus.Record{Topic: contract.Quarantine, Partition: bus.ByKey, Key: []byte(r.Key()), Value: value, Time: c.Time})
	return nil
}

// panicked rejects the record in hand. The place is the program's, so it may be told.
func (s *stage) panicked(e *crash.Error) error {
	clear(s.out)
	s.out = s.out[:0]
	return &reject{reason: contract.ReasonInternal, detail: "处理失败，请把此处报告给开发方：" + e.Place() + " / the step failed on this record, please report the place: " + e.Place() + ", " + e.Type}
}
