package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Subscriber is where a program of others finds a city, and what it looks for there.
type Subscriber struct {
	Kafka    string         `json:"kafka"`
	Registry string         `json:"registry"` // an address with its scheme
	Key      string         `json:"key"`      // of the registry, "" = it only reads
	Prefix   string         `json:"prefix"`   // of the topics
	Topic    string         `json:"topic"`    // one that the bus publishes, without the prefix
	Want     map[string]any `json:"want"`     // a record of it, or part of one, as the gateway answers it
}

// Confluents has Confluent's client for Python do with the registry and the topics
// of a city all that it can.
func (s Subscriber) Confluents(t *testing.T) {
	t.Helper()
	python := Service(t, "YIYUAN_TEST_PYTHON")
	told, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"registry.py", "records.py"} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(Bounded(t), python, "-B", InTree(t, filepath.Join("deploy/testbed/clients/python", name)))
			cmd.Stdin, cmd.Env = bytes.NewReader(told), append(os.Environ(), "NO_PROXY=*")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
