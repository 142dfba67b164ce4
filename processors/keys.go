package processors

import (
	"fmt"

	"github.com/yiyuan-bus/yiyuan/bus"
)

// kindKeys is the state key of the fingerprint of the key ring that a partition's
// state, and all that was published of it, was made with.
const kindKeys = 'i'

var ringKey = []byte{kindKeys}

// ringed has a scope stay in its partition only if the partition's state is of the present
// key ring, whichever of its versions was current: tokens of another ring would
// name the same people differently, and nobody would find them. What was published
// under another version is for the stage to renew.
func ringed(s *scope, step string, keys Ring) error {
	p := s.partition
	if p.sameKeys || keys == nil {
		return nil
	}
	made, found, err := p.state.Get(nil, ringKey)
	switch {
	case err != nil:
		return err
	case found && !keys.Knows(string(made)):
		mine := keys.Fingerprint()
		return fmt.Errorf("步骤 %q 的状态用另一个密钥环 (%s) 算出，现在的是 (%s)：令牌会变，已发布的记录将查不到；请恢复原来的密钥文件，轮换过密钥的请补上缺少的版本 / the state of step %q was made with another key ring (%s), the present one is (%s): "+
			"tokens would change and what is published would not be found; bring the former key file back, or the version that was added to it: %w", step, made, mine, step, made, mine, bus.ErrConfig)
	}
	if mine := keys.Fingerprint(); string(made) != mine {
		s.set(ringKey, []byte(mine))
	}
	p.sameKeys = true
	return s.err
}
