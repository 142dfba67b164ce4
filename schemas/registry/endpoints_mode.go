package registry

import (
	"context"
	"net/http"

	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// writable refuses a change of what is read only.
func (r *Registry) writable(name string) *problemError {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if mode := r.state.mode(name); mode != readWrite {
		return &problemError{problem.NotPermitted, "mode 为 " + mode + "，只读 / the mode is " + mode + ": nothing is changed"}
	}
	return nil
}

func (r *Registry) getMode(req *http.Request) (any, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return modeAnswer{r.state.mode(req.PathValue("subject"))}, nil
}

func (r *Registry) putMode(req *http.Request) (any, error) {
	var m modeAnswer
	if err := read(req, &m, "mode"); err != nil {
		return nil, err
	}
	name := req.PathValue("subject")
	switch {
	case m.Mode == "IMPORT" || m.Mode == "FORWARD" || m.Mode == readOnlyOverride && name != "":
		return nil, &problemError{problem.NotPermitted, "mode：不支持 " + m.Mode + " / mode: " + m.Mode + " is not supported here"}
	case !knownMode(m.Mode):
		return nil, &problemError{problem.InvalidMode, "未知的模式 / unknown mode"}
	}
	if name != "" {
		if err := checkSubject(name); err != nil {
			return nil, err
		}
	}
	return m, r.setMode(req.Context(), name, encode(m))
}

// deleteMode answers with the mode that held.
func (r *Registry) deleteMode(req *http.Request) (any, error) {
	name := req.PathValue("subject")
	r.mu.RLock()
	before := modeAnswer{r.state.mode(name)}
	r.mu.RUnlock()
	return before, r.setMode(req.Context(), name, nil)
}

func (r *Registry) setMode(ctx context.Context, name string, value []byte) error {
	r.write.Lock()
	defer r.write.Unlock()
	return r.commit(ctx, modeKey(name), value)
}
