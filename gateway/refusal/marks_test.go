package refusal

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// What is read anew may never come as far as what is in force: when the topic was made
// anew, or when what stood at its end was compacted away. The first counts for nothing
// then, of the second what was read is all there is.
func TestMarksThatNeverComeLevel(t *testing.T) {
	read := func(m *Marks, to int64) bool {
		return m.took(&bus.Record{Topic: contract.Refused, Partition: 0, Offset: to - 1})
	}
	// again has read nine records, and then three of those there are now.
	again := func(t *testing.T) *Marks {
		m := NewMarks(NewBook(0), nil, 0, 0)
		m.begin()
		read(m, 9)
		m.begin()
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
			m.begin()
			read(m, 3)
			if reader, _ := m.Polled(); reader != 3 || m.Offsets()[0] != 3 {
				t.Errorf("reading %d is in force, up to %d", reader, m.Offsets()[0])
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
			m.swap()
			if reader, _ := m.Polled(); reader != 3 || m.Offsets()[0] != 3 {
				t.Errorf("reading %d is in force, up to %d", reader, m.Offsets()[0])
			}
		})
	})
}
