package registry

import "encoding/json"

// The key types of the log, as Confluent names them.
const (
	typeSchema        = "SCHEMA"
	typeConfig        = "CONFIG"
	typeMode          = "MODE"
	typeDeleteSubject = "DELETE_SUBJECT"
	typeNoop          = "NOOP"
)

// recordKey is the key of a record. Field order is that of Confluent and
// Karapace: keys are compared as bytes by compaction.
type recordKey struct {
	Type    string  `json:"keytype"`
	Subject *string `json:"subject,omitempty"`
	Version int     `json:"version,omitempty"`
	Magic   int     `json:"magic"`
}

// reference names a version that defines types which a schema uses and does not
// define itself. What it is called does not matter to Avro: a type is found by its name.
type reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

type schemaValue struct {
	Subject string      `json:"subject"`
	Version int         `json:"version"`
	ID      int         `json:"id"`
	Kind    string      `json:"schemaType,omitempty"`
	Refs    []reference `json:"references,omitempty"`
	Schema  string      `json:"schema"`
	Deleted bool        `json:"deleted"`
}

type configValue struct {
	Level string `json:"compatibilityLevel"`
}

type deleteSubjectValue struct {
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// noopValue keeps the highest id when the record that had it goes.
type noopValue struct {
	LastID int `json:"lastId"`
}

type modeAnswer struct {
	Mode string `json:"mode"`
}

func schemaKey(name string, number int) []byte {
	return encode(recordKey{Type: typeSchema, Subject: &name, Version: number, Magic: 1})
}

func deleteSubjectKey(name string) []byte {
	return encode(recordKey{Type: typeDeleteSubject, Subject: &name, Magic: 0})
}

func noopKey() []byte { return encode(recordKey{Type: typeNoop}) }

// configKey writes "subject":null for the global level, as Confluent does.
func configKey(name string) []byte {
	if name == "" {
		return []byte(`{"keytype":"CONFIG","subject":null,"magic":0}`)
	}
	return encode(recordKey{Type: typeConfig, Subject: &name})
}

// modeKey is configKey of modes.
func modeKey(name string) []byte {
	if name == "" {
		return []byte(`{"keytype":"MODE","subject":null,"magic":0}`)
	}
	return encode(recordKey{Type: typeMode, Subject: &name})
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("registry: a record of strings and numbers cannot be written: " + err.Error())
	}
	return b
}
