package kafka

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// WriteError is why the cluster did not take what a publisher gave it, in words for
// whoever runs the bus: a code of Kafka's tells nobody what to do.
type WriteError struct {
	Topic   contract.Topic // of the record that was refused, "" if it was no record
	Why, Do string         // "中文 / English"
	Err     error
}

func (e *WriteError) Error() string { return e.Why + ": " + e.Err.Error() }
func (e *WriteError) Unwrap() error { return e.Err }

// advice is what is said of some of Kafka's codes; {} is the topic, {name} what Kafka calls it.
type advice struct {
	codes   []*kerr.Error
	why, do string
	fenced  bool // it is no refusal: another client, or time, has taken the producer's place
}

var advices = []advice{
	{
		[]*kerr.Error{kerr.MessageTooLarge, kerr.RecordListTooLarge},
		"对 Kafka 来说记录太大（{}）/ a record is too large for Kafka ({})",
		"把该主题的 max.message.bytes 提高到至少 1048588，随后自行继续 / raise max.message.bytes of that topic to 1048588 at least; it then goes on by itself: kafka-configs.sh --alter --entity-type topics --entity-name {name} --add-config max.message.bytes=1048588",
		false,
	},
	{
		[]*kerr.Error{kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.TransactionalIDAuthorizationFailed, kerr.GroupAuthorizationFailed},
		"Kafka 不许写入（{}）/ Kafka does not allow to write ({})",
		"请 Kafka 管理员为本进程的用户授予写权限（Write、Describe，含事务号），随后自行继续 / have Kafka's administrator grant this process's user Write and Describe, for the transactional id too; it then goes on by itself",
		false,
	},
	{
		[]*kerr.Error{kerr.SaslAuthenticationFailed},
		"Kafka 不认本进程的用户或密码 / Kafka does not know this process's user or password",
		"改好 bus.sasl 的设置，再启动 / mend the settings bus.sasl and start again",
		false,
	},
	{
		[]*kerr.Error{kerr.InvalidTimestamp},
		"Kafka 不收这样的时间（{}）/ Kafka refuses the time of a record ({})",
		"核对本机与 Kafka 的时钟，去掉该主题的 message.timestamp.*.max.ms 限制，随后自行继续 / compare this machine's clock with Kafka's and lift message.timestamp.*.max.ms of that topic; it then goes on by itself",
		false,
	},
	{
		[]*kerr.Error{kerr.UnknownTopicOrPartition, kerr.UnknownTopicID},
		"Kafka 里没有这个主题（{}）/ Kafka has no such topic ({})",
		"重启本进程：它重建主题，共享的内容自动重新发布；raw.* 里尚未处理的行用 yiyuan source resync 重读，推送的请部门重推 / start this process again: it makes the topic anew and publishes what is shared again; rows of raw.* that were not taken in yet come by yiyuan source resync, what was pushed by pushing it again",
		false,
	},
	{
		[]*kerr.Error{kerr.InvalidProducerEpoch, kerr.ProducerFenced, kerr.InvalidProducerIDMapping, kerr.UnknownProducerID, kerr.InvalidTxnState},
		"另一个进程也在运行这个数据源，或一次写入用时过长 / another process runs this source too, or a write took too long",
		"一个数据源只在一个进程里运行；否则会自行重试 / run a source in one process only; else it tries again by itself",
		true,
	},
	{
		[]*kerr.Error{kerr.KafkaStorageError, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend},
		"Kafka 存不下：磁盘已满或损坏，或同步副本不足（{}）/ Kafka cannot keep it: its disk is full or broken, or too few replicas are in sync ({})",
		"查看 Kafka 的磁盘和副本（yiyuan doctor），随后自行继续 / look at Kafka's disks and replicas (yiyuan doctor); it then goes on by itself",
		false,
	},
	{
		[]*kerr.Error{kerr.PolicyViolation, kerr.InvalidRecord, kerr.CorruptMessage, kerr.InvalidRequiredAcks},
		"Kafka 按自己的规定拒收（{}）/ Kafka refuses it by a rule of its own ({})",
		"看 Kafka 的日志和该主题的设置，随后自行继续 / look at Kafka's log and the settings of that topic; it then goes on by itself",
		false,
	},
}

// Explain puts what Kafka said to a write into words. What it did not say, or what
// there are no words for, is most often that it cannot be reached or cannot store.
func (l *Link) Explain(t contract.Topic, err error) error {
	var already *WriteError
	if err == nil || errors.As(err, &already) {
		return err
	}
	e := &WriteError{Topic: t, Err: err}
	a := about(err)
	if a == nil {
		a = &unheard
	}
	e.Why = strings.ReplaceAll(a.why, "{}", cmp.Or(string(t), "transaction"))
	e.Do = strings.ReplaceAll(a.do, "{name}", l.Name(t))
	return e
}

// Refusal is err in words if Kafka refused something, and else err itself.
func (l *Link) Refusal(t contract.Topic, err error) error {
	if a := about(err); a == nil || a.fenced {
		return err
	}
	return l.Explain(t, err)
}

// Unwritten is err in words if a record was not taken, be it that Kafka said nothing.
func (l *Link) Unwritten(t contract.Topic, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return l.Explain(t, err)
	}
	return l.Refusal(t, err)
}

// unheard is what is said where Kafka said nothing.
var unheard = advice{
	why: "Kafka 没有及时收下（{}）：连不上，磁盘已满，或同步副本不足 / Kafka did not take it in time ({}): it cannot be reached, its disk is full, or too few replicas are in sync",
	do:  "查看 Kafka 与网络，运行 yiyuan doctor；会自行重试 / look at Kafka and the network, see yiyuan doctor; it tries again by itself",
}

// about returns what is said of the code in err, nil if nothing is.
func about(err error) *advice {
	for i := range advices {
		for _, code := range advices[i].codes {
			if errors.Is(err, code) {
				return &advices[i]
			}
		}
	}
	return nil
}
