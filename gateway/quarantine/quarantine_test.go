package quarantine_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/gateway/finding"
	"github.com/yiyuan-bus/yiyuan/gateway/quarantine"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

var today = time.UnixMilli(1_790_000_000_000).UTC()

func clock() time.Time { return today }

// record is one of the topic: a rejection or what settles.
type record struct {
	at   quarantine.Place
	is   contract.Rejection
	said *contract.Settlement
}

func (r record) to(b *quarantine.Book) {
	if r.said != nil {
		b.Settle(r.at, *r.said)
		return
	}
	b.Put(r.at, r.is)
}

func pos(source string, n uint64) string {
	return string(contract.AppendPos(nil, source, schemas.Sequence{Major: n}))
}

// refused is a rejection of a row, "" = not known which, the n-th that its source said.
func refused(partition int32, offset int64, source string, n uint64, row string) record {
	return record{
		at: quarantine.Place{Taken: today.Add(-time.Hour + time.Duration(offset)*time.Second), Partition: partition, Offset: offset},
		is: contract.Rejection{Dataset: "A01", Reason: contract.ReasonInvalid, Source: source, Row: row, From: source, Sequence: schemas.Sequence{Major: n}, Locator: fmt.Sprintf("t@%d", n)},
	}
}

func settled(partition int32, offset int64, row, how, upTo, by string) record {
	return record{
		at:   quarantine.Place{Taken: today.Add(-time.Hour + time.Duration(offset)*time.Second), Partition: partition, Offset: offset},
		said: &contract.Settlement{Row: row, How: how, Refused: upTo, By: by, Locator: "raw.A01/0@" + fmt.Sprint(offset)},
	}
}

// read makes a book of records in an order: each partition's as they stand, partitions
// beside one another as the readers of a topic happen to be served.
func read(t *testing.T, records []record, random *rand.Rand) *quarantine.Book {
	t.Helper()
	b := quarantine.NewBook(0, clock)
	by := map[int32][]record{}
	for _, r := range records {
		by[r.at.Partition] = append(by[r.at.Partition], r)
	}
	var partitions []int32
	for p := range by {
		partitions = append(partitions, p)
	}
	slices.Sort(partitions)
	if _, err := b.List(quarantine.Filter{Limit: 1}); !errors.Is(err, quarantine.ErrNotLoaded) {
		t.Errorf("a book that has read nothing lists %v", err)
	}
	for len(partitions) > 0 {
		i := random.IntN(len(partitions))
		p := partitions[i]
		n := 1 + random.IntN(len(by[p]))
		for _, r := range by[p][:n] {
			r.to(b)
		}
		if by[p] = by[p][n:]; len(by[p]) == 0 {
			partitions = slices.Delete(partitions, i, i+1)
		}
	}
	b.Level()
	return b
}

// lines are a list as text.
func lines(entries []quarantine.Entry) (out []string) {
	for _, e := range entries {
		state := "open"
		if e.Settled != nil {
			state = e.Settled.How + " by " + e.Settled.By
		}
		out = append(out, fmt.Sprintf("%s %s %s: %s", e.ID(), e.From, e.Row, state))
	}
	return out
}

// What is settled, and what is not, is the same in whichever order the partitions are
// read: a version that is refused after the one that settled an earlier one is open.
func TestSettles(t *testing.T) {
	t.Parallel()
	records := []record{
		refused(0, 1, "ga", 10, "r1"),
		refused(1, 2, "ga", 11, ""),   // nobody knows which row
		refused(2, 3, "ga", 12, "r2"), // of another row
		refused(0, 4, "ga", 13, "r1"),
		settled(1, 5, "r1", contract.SettledAccepted, pos("ga", 13), pos("ga", 14)),
		refused(2, 6, "ga", 20, "r1"), // the connector is ahead of the step
		settled(1, 7, "r1", contract.SettledAccepted, pos("ga", 15), pos("ga", 18)),
		refused(0, 8, "ga", 30, "r3"),
		settled(0, 9, "r3", contract.SettledDeleted, pos("ga", 30), pos("ga", 31)),
		refused(1, 10, "ga", 40, "r4"),
		refused(0, 11, "rs", 5, "r4"), // another source's, refused too
		settled(2, 12, "r4", contract.SettledAgain, pos("ga", 40), pos("rs", 5)),
		refused(1, 13, "ga", 50, "r5"),
		settled(0, 14, "r5", contract.SettledAccepted, pos("ga", 50), pos("rs", 6)), // taken from another source
		refused(1, 15, "ga", 60, "r6"),
		{at: quarantine.Place{Taken: today, Partition: 2, Offset: 16}, said: &contract.Settlement{Entry: "1-2", How: contract.SettledByPerson, By: "SJ-JDGL"}},
		{at: quarantine.Place{Taken: today, Partition: 2, Offset: 17}, said: &contract.Settlement{Entry: "1-2", How: contract.SettledByPerson, By: "OTHER"}},
	}
	want := []string{
		"1-15 ga r6: open",
		"1-13 ga r5: accepted by rs",
		"0-11 rs r4: open",
		"1-10 ga r4: superseded by rs",
		"0-8 ga r3: deleted by ga",
		"2-6 ga r1: open",
		"0-4 ga r1: accepted by ga",
		"2-3 ga r2: open",
		"1-2 ga : person by SJ-JDGL",
		"0-1 ga r1: accepted by ga",
	}
	for seed := range uint64(200) {
		b := read(t, records, rand.New(rand.NewPCG(seed, 1)))
		page, err := b.List(quarantine.Filter{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, lines(page.Entries)); diff != "" || page.Total != 10 || page.Open != 4 || page.Next != "" {
			t.Fatalf("seed %d: %d, %d open, next %q (-want +got):\n%s", seed, page.Total, page.Open, page.Next, diff)
		}
		if page.Entries[9].Settled.At != today.Add(-time.Hour+5*time.Second) || page.Entries[9].Settled.Locator != "raw.A01/0@5" {
			t.Fatalf("seed %d: settled by %+v", seed, page.Entries[9].Settled)
		}
		got := b.Tallies()
		tallies := []quarantine.Tally{
			{Source: "ga", Dataset: "A01", Open: 3, Oldest: today.Add(-time.Hour + 3*time.Second)},
			{Source: "rs", Dataset: "A01", Open: 1, Oldest: today.Add(-time.Hour + 11*time.Second)},
		}
		if diff := cmp.Diff(tallies, got); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
}

// Turning pages shows each entry once that was there when the first was turned, whatever
// comes in or is settled meanwhile, and though the book is read anew between two pages.
func TestPages(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 2))
		var records []record
		offset := map[int32]int64{}
		add := func() {
			p := int32(random.IntN(3))
			offset[p]++
			r := refused(p, offset[p], []string{"ga", "rs"}[random.IntN(2)], uint64(len(records)), fmt.Sprint("r", len(records)%7))
			r.at.Taken = today.Add(-time.Hour + time.Duration(len(records)/5)*time.Millisecond) // many in one millisecond
			if random.IntN(3) == 0 {
				r.is.Reason = contract.ReasonMissing
			}
			records = append(records, r)
		}
		for range 50 {
			add()
		}
		f := quarantine.Filter{Limit: 1 + random.IntN(9), Source: []string{"", "ga"}[random.IntN(2)], Reason: []string{"", contract.ReasonMissing}[random.IntN(2)]}
		want := map[string]bool{}
		for _, r := range records {
			if (f.Source == "" || r.is.From == f.Source) && (f.Reason == "" || r.is.Reason == f.Reason) {
				want[r.at.ID()] = true
			}
		}
		seen := map[string]bool{}
		var last *quarantine.Entry
		for {
			b := read(t, records, random)
			page, err := b.List(f)
			if err != nil {
				t.Fatal(err)
			}
			for i := range page.Entries {
				e := &page.Entries[i]
				if seen[e.ID()] {
					t.Fatalf("seed %d: %s is shown twice", seed, e.ID())
				}
				if last != nil && e.Taken.After(last.Taken) {
					t.Fatalf("seed %d: %s is newer than the one before it", seed, e.ID())
				}
				seen[e.ID()], last = true, e
			}
			if f.Cursor = page.Next; page.Next == "" {
				break
			}
			for range random.IntN(8) { // newer than all that there are
				add()
				records[len(records)-1].at.Taken = today.Add(time.Duration(len(records)) * time.Millisecond)
			}
			row := fmt.Sprint("r", random.IntN(7))
			offset[0]++
			records = append(records, settled(0, offset[0], row, contract.SettledAccepted, pos("ga", 1000), pos("ga", 1001)))
		}
		for id := range want {
			if !seen[id] {
				t.Errorf("seed %d: %s was passed over", seed, id)
			}
		}
		if len(seen) != len(want) {
			t.Errorf("seed %d: %d shown, there were %d", seed, len(seen), len(want))
		}
	}
}

func TestCursorIsOurs(t *testing.T) {
	t.Parallel()
	b := read(t, []record{refused(0, 1, "ga", 1, "r")}, rand.New(rand.NewPCG(1, 1)))
	if _, err := b.List(quarantine.Filter{Limit: 1, Cursor: "MS4yLTM"}); err != nil { // 1.2-3
		t.Errorf("a good cursor: %v", err)
	}
	for _, bad := range []string{"!", "YQ", "MS4yLTMtNA", "MDEuMi0z"} {
		if _, err := b.List(quarantine.Filter{Limit: 1, Cursor: bad}); !errors.Is(err, finding.ErrCursor) {
			t.Errorf("cursor %q: %v", bad, err)
		}
	}
}

// What the topic promises to keep no longer is not shown: that which settled it may be
// gone already.
func TestRetention(t *testing.T) {
	t.Parallel()
	old, young := refused(0, 1, "ga", 1, "r1"), refused(0, 2, "ga", 2, "r2")
	old.at.Taken, young.at.Taken = today.Add(-30*24*time.Hour-time.Second), today.Add(-30*24*time.Hour+time.Second)
	b := read(t, []record{old, young}, rand.New(rand.NewPCG(1, 1)))
	page, err := b.List(quarantine.Filter{Limit: 9})
	if err != nil || len(page.Entries) != 1 || page.Entries[0].ID() != "0-2" || page.Total != 1 || b.Tallies()[0].Open != 1 {
		t.Errorf("listed %v, %v", lines(page.Entries), err)
	}
	if _, err := b.Get("0-1"); !errors.Is(err, schemas.ErrUnknown) {
		t.Errorf("Get of one that is past: %v", err)
	}
}

// While the topic is read once more what was known stays in force, as a whole.
func TestReadAnew(t *testing.T) {
	t.Parallel()
	one, two := refused(0, 1, "ga", 1, "r1"), refused(0, 2, "ga", 2, "r2")
	b := read(t, []record{one, two}, rand.New(rand.NewPCG(1, 1)))
	quarantine.Anew(b)
	one.to(b)
	if page, err := b.List(quarantine.Filter{Limit: 9}); err != nil || page.Total != 2 {
		t.Errorf("while it is read anew: %d, %v", page.Total, err)
	}
	two.to(b)
	refused(0, 3, "ga", 3, "r3").to(b)
	b.Level()
	if page, err := b.List(quarantine.Filter{Limit: 9}); err != nil || page.Total != 3 || b.Total() != 3 {
		t.Errorf("when it was: %d, %v", page.Total, err)
	}
}

// A department of whose rows each is refused takes neither the memory nor what is open of
// others, and what is no longer listed is counted.
func TestBounded(t *testing.T) {
	t.Parallel()
	const kept = 50
	b := quarantine.NewBook(kept, clock)
	first := refused(2, 0, "rs", 1, "q")
	first.at.Taken = today.Add(-2 * time.Hour) // the oldest of all, and open
	first.to(b)
	for n := range int64(1000) {
		refused(0, n, "ga", uint64(n), fmt.Sprint("r", n)).to(b)
		settled(1, n, fmt.Sprint("r", n), contract.SettledAccepted, pos("ga", uint64(n)), pos("ga", uint64(n))).to(b)
	}
	b.Level()
	holds := func(when string, all, rs int) {
		t.Helper()
		page, err := b.List(quarantine.Filter{Limit: 500})
		if err != nil || page.Total+page.Beyond != all || page.Total > 4*kept || b.Total() != int64(all) {
			t.Errorf("%s: %d are listed, %d are not, of %d: %v", when, page.Total, page.Beyond, all, err)
		}
		if page, _ := b.List(quarantine.Filter{Limit: 500, Source: "rs"}); page.Open != rs {
			t.Errorf("%s: %d are open of the other source, want %d", when, page.Open, rs)
		}
	}
	holds("settled", 1001, 1)
	for n := range int64(1000) {
		refused(0, 1000+n, "ga", uint64(n), fmt.Sprint("x", n)).to(b)
	}
	holds("open", 2001, 0)
}

// A book takes some tens of megabytes at the most.
func TestMemoryIsBounded(t *testing.T) {
	const bound = 60 << 20
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	b := quarantine.NewBook(0, clock)
	for n := range int64(300_000) {
		r := refused(0, n, "ga", uint64(n), fmt.Sprintf("%032x", n))
		r.is.RowKey, r.is.Digest, r.is.Locator, r.at.Taken = fmt.Sprintf("k1.%060d", n), fmt.Sprintf("%032x", n), fmt.Sprintf("raw.A01/%d@%d", n, n), today.Add(-time.Hour+time.Duration(n))
		r.to(b)
	}
	if used := int64(heap()) - int64(before); used > bound {
		t.Errorf("it takes %d MiB", used>>20)
	}
	runtime.KeepAlive(b)
}
