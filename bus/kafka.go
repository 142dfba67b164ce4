package bus

import "github.com/yiyuan-bus/yiyuan/bus/internal/kafka"

// What the bus and whoever uses it have in common with the rooms below: how Kafka is
// reached, what a record is, and why one is not taken.
type (
	// Config says how Kafka is reached.
	Config = kafka.Config
	// TLS says how brokers are trusted and how we show who we are.
	TLS = kafka.TLS
	// SASL is how we log in.
	SASL = kafka.SASL
	// Record is one Kafka record.
	Record = kafka.Record
	// Header is one header of a record.
	Header = kafka.Header
	// WriteError is why the cluster did not take a record, in words.
	WriteError = kafka.WriteError
)

const (
	// DefaultTransactionTimeout is Config.TransactionTimeout where none is set.
	DefaultTransactionTimeout = kafka.DefaultTransactionTimeout
	// ByKey is the partition of a record that goes where its key's hash says.
	ByKey = kafka.ByKey
	// Everywhere is the partition of a record that a step emits to every partition.
	Everywhere = kafka.Everywhere
)

var (
	// ErrConfig marks a configuration that cannot work.
	ErrConfig = kafka.ErrConfig
	// ErrTooLarge says that a record is larger than the broker takes.
	ErrTooLarge = kafka.ErrTooLarge
)

// PartitionOf returns the partition of n that ByKey chooses for a key.
func PartitionOf(key []byte, n int) int32 { return kafka.PartitionOf(key, n) }
