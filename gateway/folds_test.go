package gateway

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/finding"
	"github.com/yiyuan-bus/yiyuan/gateway/fold"
	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/gateway/quarantine"
	"github.com/yiyuan-bus/yiyuan/gateway/refusal"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// shelf is a bus with what lies on it.
type shelf map[contract.Topic][]bus.Record

func (b shelf) Follow(ctx context.Context, cfg bus.FollowConfig, fn func(context.Context, []bus.Record) error) error {
	if records := b[cfg.Topics[0]]; len(records) > 0 {
		if err := fn(ctx, records); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

func (shelf) StableOffsets(context.Context, ...contract.Topic) (map[contract.Topic]map[int32]int64, error) {
	return nil, nil
}

func (shelf) EndOffsets(context.Context, ...contract.Topic) (map[contract.Topic]map[int32]int64, error) {
	return nil, nil
}

// TestAnotherProjection adds one to those that the gateway has: it is one entry of the
// list, and is read, kept and guarded like they are.
func TestAnotherProjection(t *testing.T) {
	layout := schemas.MustLayout("yiyuan.test", "Announcement", schemas.Column{Name: "text", Type: schemas.String})
	c := codec.New(codec.NewMemory())
	writer, err := c.Writer(t.Context(), contract.Topic("announcements").Subject(), layout)
	if err != nil {
		t.Fatal(err)
	}
	record := func(key, text string) bus.Record {
		value, err := writer.Append(nil, schemas.NewRecord(layout, []schemas.Value{schemas.Text(text)}))
		if err != nil {
			t.Fatal(err)
		}
		return bus.Record{Topic: "announcements", Key: []byte(key), Value: value}
	}
	lies := shelf{
		"announcements":  {record("a", "停机检修"), {Topic: "announcements", Key: []byte("torn"), Value: []byte("\x00")}, record("b", "已恢复"), {Topic: "announcements", Key: []byte("a")}},
		contract.Sources: {{Topic: contract.Sources, Key: []byte("ga-pg"), Value: []byte(`{"state":"running"}`)}},
	}
	announcements := map[string]string{}
	one := fold.Fold{
		Topic: "announcements", Layout: layout,
		Put: func(r *bus.Record, row schemas.Record) error {
			announcements[string(r.Key)] = row.Get("text").Str()
			return nil
		},
		Delete: func(key string) { delete(announcements, key) },
	}
	sources := freshness.New(&schemas.Catalogue{}, nil, nil, time.Now)
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.DiscardHandler)
		list := append(folds(nil, finding.NewBook(), quarantine.NewReading(quarantine.NewBook(0, time.Now), lies, time.Second), sources, refusal.NewMarks(refusal.NewBook(0), lies, time.Second, time.Minute)), one)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- (&fold.Reader{Bus: lies, Codec: c, Guard: fold.NewGuard(log, prometheus.NewRegistry()), Logger: log}).Follow(ctx, list)
		}()
		synctest.Wait()
		if len(announcements) != 1 || announcements["b"] != "已恢复" {
			t.Errorf("kept: %v", announcements)
		}
		if all := sources.Sources(); len(all) != 1 || all[0].Name != "ga-pg" {
			t.Errorf("sources: %+v", all)
		}
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
