package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"syscall"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus/embedded"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
)

// StartBroker starts the embedded broker. A folder that another process's broker has, an
// address that is taken, and a disk that takes nothing are told with what to do.
func StartBroker(ctx context.Context, c settings.Embedded, log *slog.Logger) (*embedded.Broker, error) {
	broker, err := embedded.Start(ctx, embedded.Options{Dir: c.Data, Listen: c.Listen, Logger: log})
	switch {
	case errors.Is(err, embedded.ErrInUse):
		return nil, fmt.Errorf("内置消息代理的数据目录 %[1]s 正由另一个进程使用，一个目录只能有一个代理：先停下那个进程；要几个进程共用一条总线，只让一个进程带内置代理，其余用 bus.brokers 连它的 bus.embedded.listen，或者都用 Kafka / "+
			"another process's embedded broker has the folder %[1]s, which takes one broker alone: stop that process first; for several processes on one bus let one have the broker and the others reach its bus.embedded.listen by bus.brokers, or use Kafka: %[2]w", c.Data, err)
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("内置消息代理的地址 %[1]s 被占用：另一个 yiyuan 进程已带着它的，本进程用 bus.brokers: [%[1]s] 连过去；别的程序占着的，改 bus.embedded.listen（YIYUAN_BUS_EMBEDDED_LISTEN） / "+
			"the embedded broker's address %[1]s is taken: where another yiyuan process has its broker there, reach it by bus.brokers: [%[1]s]; where another program has it, set bus.embedded.listen: %[2]w", c.Listen, err)
	case errors.Is(err, embedded.ErrDisk), errors.Is(err, syscall.ENOSPC):
		return nil, diskTakesNothing(c.Data, err)
	case err != nil:
		return nil, fmt.Errorf("内置消息代理起不来 / start the embedded broker: %w", err)
	}
	return broker, nil
}

// diskTakesNothing says why an embedded broker cannot go on, and what to do.
func diskTakesNothing(dir string, err error) error {
	return fmt.Errorf("内置消息代理的数据写不进 %[1]s（bus.embedded.data），进程因此结束：在该磁盘清出空间或修好它，再启动；已应答的一条不丢 / "+
		"the embedded broker's data cannot be written to %[1]s (bus.embedded.data), and the process ends: make room on that disk or mend it, then start again; nothing that was acknowledged is lost: %[2]w", dir, err)
}

// brokerLost returns why the embedded broker answers no more, nil if it does or there is none.
func (a *Process) brokerLost() error {
	if a.broker == nil {
		return nil
	}
	if err := a.broker.Err(); err != nil {
		return diskTakesNothing(a.cfg.Bus.Embedded.Data, err)
	}
	return nil
}

// WatchBroker ends the process when its embedded broker answers no more: nothing in it can
// go on by itself then, and a start begins with what is on the disk.
func (a *Process) WatchBroker(ctx context.Context) {
	if a.broker == nil {
		return
	}
	a.start(ctx, "embedded broker", func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return nil
		case <-a.broker.Lost():
			return a.brokerLost()
		}
	})
}

// openBroker starts the embedded broker. What it returns ends when that answers no more, too:
// whatever asks it then would go on asking.
func (a *Process) openBroker(ctx context.Context) (context.Context, error) {
	c := a.cfg.Bus.Embedded
	a.alone("bus.embedded.data", c.Data)
	broker, err := StartBroker(ctx, c, a.Log)
	if err != nil {
		return ctx, err
	}
	a.defers(broker.Close)
	a.broker = broker
	ctx, end := context.WithCancel(ctx)
	go func() {
		select {
		case <-ctx.Done():
		case <-broker.Lost():
			end()
		}
	}()
	a.defers(end)
	return ctx, nil
}

// Sync is how long an answer of the embedded broker waits for the disk, if it does.
func (a *Process) Sync() (mean time.Duration, ok bool) {
	if a.broker == nil {
		return 0, false
	}
	return a.broker.Sync()
}
