package processors

import (
	"fmt"

	"github.com/yiyuan-bus/yiyuan/bus"
)

// kindKeys is the state key of the fingerprint of the key ring that a partition's
// state, and all that was published of it, was made with.
const kindKeys = 'i'

var ringKey = []byte{kindKeys}

// enter makes the scope that of a partition, whose state must be of the present
// key ring: tokens of another ring would name the same people differently, and
// nobody would find them.
func (w *worker) enter(p *partition, tx *bus.Tx) (*scope, error) {
	s := w.scope.enter(p, tx)
	if p.sameKeys || w.keys == "" {
		return s, nil
	}
	made, found, err := p.state.Get(nil, ringKey)
	switch {
	case err != nil:
		return nil, err
	case !found:
		s.set(ringKey, []byte(w.keys))
	case string(made) != w.keys:
		return nil, fmt.Errorf("步骤 %q 的状态用另一个密钥环 (%s) 算出，现在的是 (%s)：令牌会变，已发布的记录将查不到；请恢复原来的密钥文件 / the state of step %q was made with another key ring (%s), the present one is (%s): "+
			"tokens would change and what is published would not be found; bring the former key file back: %w", w.step, made, w.keys, w.step, made, w.keys, bus.ErrConfig)
	}
	p.sameKeys = true
	return s, s.err
}
