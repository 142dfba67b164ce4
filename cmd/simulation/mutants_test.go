package simulation

import (
	"net/http"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/processors"
)

// mutant is a deliberate fault of the system, put in by wrappers. The zero
// mutant is the system as it is.
type mutant struct {
	name    string
	rules   []string // of the checker, one of which must name it
	calm    bool     // no faults beside it
	version int      // 1 = everything runs under the changed catalogue, unsaid

	steps   map[string]func() stageMutant
	skip    func(position int) int
	cache   func(w *world, c gateway.Cache) gateway.Cache
	log     func(l gateway.Log) gateway.Log
	handler func(h http.Handler) http.Handler
}

// stageMutant runs a stage wrongly.
type stageMutant interface {
	process(s processors.Stage, tx processors.Tx, batch []bus.Record) error
	wake(s processors.Stage, tx processors.Tx, key []byte) error
}

func (m mutant) stage(step string) stageMutant {
	if f := m.steps[step]; f != nil {
		return f()
	}
	return nil
}
