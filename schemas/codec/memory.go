package codec

import (
	"context"
	"fmt"
	"sync"
)

// Memory is a Registry in memory, for tests and for tools that write and read
// in one process. It forgets everything at the end and checks no compatibility.
type Memory struct {
	mu      sync.Mutex
	schemas []string
	ids     map[string]int
}

// NewMemory returns an empty registry.
func NewMemory() *Memory { return &Memory{ids: map[string]int{}} }

// Register implements Registry: ids count from 1, one for each schema.
func (m *Memory) Register(_ context.Context, _, schema string) (int, error) {
	key, err := Canonical(schema)
	if err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if id, ok := m.ids[key]; ok {
		return id, nil
	}
	m.schemas = append(m.schemas, schema)
	m.ids[key] = len(m.schemas)
	return len(m.schemas), nil
}

// Schema implements Registry.
func (m *Memory) Schema(_ context.Context, id int) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if id < 1 || id > len(m.schemas) {
		return "", fmt.Errorf("schema %d: %w", id, ErrUnknownSchema)
	}
	return m.schemas[id-1], nil
}
