package gateway

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/refusal"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// What is read anew may never come as far as what is in force: when the topic was made
// anew, or when what stood at its end was compacted away. The first counts for nothing
// then, of the second what was read is all there is.
func TestMarksThatNeverComeLevel(t *testing.T) {
	read := func(m *marks, to int64) bool {
		return m.took(&bus.Record{Topic: contract.Refused, Partition: 0, Offset: to - 1})
	}
	// again has read nine records, and then three of those there are now.
	again := func(t *testing.T) *marks {
		m := &marks{book: refusal.NewBook(0)}
		m.begin(1)
		read(m, 9)
		m.begin(2)
		if read(m, 3) {
			t.Fatal("level after three of nine")
		}
		<-time.After(overdue)
		if m.stuck() {
			t.Fatal("stuck too early")
		}
		<-time.After(time.Second)
		if !m.stuck() {
			t.Fatal("a reading of which nothing comes goes on for ever")
		}
		return m
	}
	t.Run("made anew", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := again(t)
			if !m.discard(map[int32]int64{0: 3}) {
				t.Fatal("what stands in a topic that is no more is in force")
			}
			m.begin(3)
			read(m, 3)
			if reader, _ := m.polled(); reader != 3 || m.offsets()[0] != 3 {
				t.Errorf("reading %d is in force, up to %d", reader, m.offsets()[0])
			}
			<-time.After(2 * overdue)
			if m.stuck() {
				t.Error("waits for what is no more")
			}
		})
	})
	t.Run("compacted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := again(t)
			if m.discard(map[int32]int64{0: 9}) {
				t.Fatal("what stands in the topic counts for nothing")
			}
			m.swap(3)
			if reader, _ := m.polled(); reader != 3 || m.offsets()[0] != 3 {
				t.Errorf("reading %d is in force, up to %d", reader, m.offsets()[0])
			}
		})
	})
}
