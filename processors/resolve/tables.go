package resolve

import (
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/processors/authority"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
)

// table is one version of the authority table.
type table struct {
	effective time.Time
	*authority.Table
}

func (s *stage) compileTables(cat *schemas.Catalogue, _ *codec.Codec) error {
	where := func(d *schemas.Dataset, expression string) (authority.Condition, error) {
		return counted(cat, s.entity, d, expression)
	}
	for i := range s.entity.Authority {
		t, err := authority.Compile(cat, s.entity, &s.entity.Authority[i], where)
		if err != nil {
			return err
		}
		for id, d := range s.datasets {
			for role := range d.groups {
				if t.Reads(id, role) {
					return fmt.Errorf("authority of %q reads %s/%s, whose rows are only aggregated: %w", s.entity.ID, id, role, authority.ErrTable)
				}
			}
		}
		s.tables = append(s.tables, table{s.entity.Authority[i].Effective, t})
	}
	return nil
}

// current returns the position of the authority table in force, -1 if none is.
func (s *stage) current(now time.Time) int {
	for i := len(s.tables) - 1; i >= 0; i-- {
		if !s.tables[i].effective.After(now) {
			return i
		}
	}
	return -1
}
