package resolve

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/engine"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/verification"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

func (s *stage) quarantine(tx processors.Tx, r contract.Rejection) error {
	value, err := s.rejects.Append(nil, r.Record())
	if err != nil {
		return fmt.Errorf("write rejection: %w", err)
	}
	tx.Emit(bus.Record{Topic: contract.Quarantine, Partition: bus.ByKey, Key: []byte(r.Key()), Value: value, Time: r.At})
	return nil
}

// refuse sends a claim that cannot be read to quarantine. An error that may
// pass, like an unreachable registry, is returned.
func (s *stage) refuse(tx processors.Tx, r *bus.Record, dataset string, err error) error {
	if !permanent(err) {
		return fmt.Errorf("read claim: %w: %w", engine.ErrLater, err)
	}
	why := contract.Rejection{
		Dataset: dataset, Reason: contract.ReasonUnreadable, Detail: "主张无法解读 / the claim cannot be read", Source: string(r.Topic), At: r.Time,
		Locator: fmt.Sprintf("%s/%d@%d", r.Topic, r.Partition, r.Offset),
	}
	if errors.Is(err, codec.ErrUnknownSchema) {
		why.Reason, why.Detail = contract.ReasonSchema, "主张的模式或数据集未知 / the claim's schema or dataset is unknown"
	}
	if len(r.Value) > 0 {
		why.Digest = hex.EncodeToString(s.keys.Digest(contract.LabelQuarantine, string(r.Value)))
	}
	return s.quarantine(tx, why)
}

func (s *stage) refuseControl(tx processors.Tx, r *bus.Record) error {
	return s.quarantine(tx, contract.Rejection{
		Reason: contract.ReasonUnreadable, Detail: "消息头 ctl 不是本版本认识的控制记录 / header ctl is no control record that this build knows",
		Source: string(r.Topic), At: r.Time, Locator: fmt.Sprintf("%s/%d@%d", r.Topic, r.Partition, r.Offset),
	})
}

// fault tells quarantine that a rule could not be evaluated over an entity.
func (s *stage) fault(tx processors.Tx, f verification.Fault) error {
	return s.quarantine(tx, contract.Rejection{
		Field: f.Case, Reason: contract.ReasonInternal, Detail: "核验规则执行失败，请检查规则 / the rule could not be evaluated, check it",
		Source: s.name, At: s.subject.at, Locator: f.Case + "/" + s.keys.Token(contract.LabelFinding, s.subject.key),
	})
}
