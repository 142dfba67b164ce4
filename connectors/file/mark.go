package file

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// The marks in a drop folder say which source of which bus reads it: two would take one
// another's files. A folder that was read before buses were marked has no mark of one.
const (
	sourceMark = state + "/source"
	busMark    = state + "/bus"
)

func (b *inbox) mark(name string) (string, error) {
	text, err := b.root.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read whose the drop folder is: %w", bare(err))
	}
	return strings.TrimSpace(string(text)), nil
}

// whose looks whether the folder is another's, and returns its marks.
func (b *inbox) whose(cfg connectors.Config) (source, bus string, err error) {
	if source, err = b.mark(sourceMark); err != nil {
		return "", "", err
	}
	if source != "" && source != cfg.Name {
		return "", "", fmt.Errorf("投递目录 %s 属于数据源 %q；请另用目录，或删除其中的 %s / the drop folder belongs to source %q: use another, or remove %s in it: %w", b.options.Dir, source, sourceMark, source, sourceMark, connectors.ErrConfig)
	}
	if bus, err = b.mark(busMark); err != nil {
		return "", "", err
	}
	if bus != "" && cfg.Bus != "" && bus != cfg.Bus {
		return "", "", fmt.Errorf("投递目录 %[1]s 属于另一个总线（标记 %[2]s，本总线是 %[3]s），两者会取走彼此的文件。请另用目录；那个总线已不再读它、由本总线接管时，删除其中的 %[4]s"+
			" / the drop folder belongs to another bus (its mark is %[2]s, this one is %[3]s), and they would take one another's files: use another folder; if that bus reads it no more and this one is to, remove %[4]s in it: %[5]w",
			b.options.Dir, bus, cfg.Bus, busMark, connectors.ErrConfig)
	}
	return source, bus, nil
}

// belong marks the folder as this source's, unless it is another's. It is ours alone by then.
func (b *inbox) belong(cfg connectors.Config) error {
	source, bus, err := b.whose(cfg)
	if err != nil {
		return err
	}
	if source != "" && bus == "" && cfg.Bus != "" {
		b.log.Info("the drop folder had no mark of a bus yet, it is marked as this one's", "mark", busMark)
	}
	if bus == "" && cfg.Bus != "" {
		if err := b.store(busMark, []byte(cfg.Bus+"\n")); err != nil {
			return fmt.Errorf("mark the drop folder: %w", err)
		}
	}
	if source != "" {
		return nil
	}
	return b.store(sourceMark, []byte(cfg.Name+"\n"))
}
