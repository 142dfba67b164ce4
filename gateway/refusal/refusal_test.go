package refusal_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/gateway/refusal"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// digest is the n-th made-up digest of a kind, as the topic spells it.
func digest(kind string, n int) string {
	return fmt.Sprintf("%016x%.2x%014x", uint64(n)*0x9e3779b97f4a7c15, kind, n)
}

func parsed(t *testing.T, text string) refusal.Digest {
	t.Helper()
	d, ok := refusal.Parse(text)
	if !ok {
		t.Fatalf("%q is no digest", text)
	}
	return d
}

func at(n int) time.Time { return time.UnixMilli(1_790_000_000_000 + int64(n)).UTC() }

// put says that the n-th row of a dataset, which is about the n-th person, is refused.
func put(t *testing.T, b *refusal.Book, dataset string, n int, again bool) {
	t.Helper()
	r := schemas.NewRecord(contract.RefusedLayout, []schemas.Value{schemas.Text(dataset), schemas.Millis(at(n)), schemas.Text(digest("p", n))})
	if !b.Put(digest(dataset[:1], n), r, again) {
		t.Fatalf("row %d of %s cannot be read", n, dataset)
	}
}

// state is what a book says of rows and persons 0 to 9 of dataset A: r where a row is
// refused, ? where that is not known.
func state(t *testing.T, b *refusal.Book) (rows, persons string) {
	t.Helper()
	sign := func(marks []refusal.Mark) string {
		for _, m := range marks {
			switch {
			case m.Dataset != "A":
			case m.More:
				return "?"
			default:
				return "r"
			}
		}
		return "."
	}
	for n := range 10 {
		rows += sign(b.Row("A", parsed(t, digest("A", n))))
		persons += sign(b.About(parsed(t, digest("p", n))))
	}
	return rows, persons
}

// Of a dataset with more refused rows than are kept no row is said to be current that
// is not, and when few are left each is known again.
func TestMoreThanAreKept(t *testing.T) {
	t.Parallel()
	b := refusal.NewBook(3)
	holds := func(when, rows string, worn bool, tallies ...refusal.Tally) {
		t.Helper()
		gotRows, persons := state(t, b)
		if gotRows != rows || persons != rows || b.Worn() != worn || b.Empty() != (len(tallies) == 0) {
			t.Errorf("%s: rows %s, persons %s, worn %v, want %s, %v", when, gotRows, persons, b.Worn(), rows, worn)
		}
		if diff := cmp.Diff(tallies, b.Tallies()); diff != "" && len(tallies)+len(b.Tallies()) > 0 {
			t.Errorf("%s: %s", when, diff)
		}
	}
	all := func(again bool) {
		for n := range 6 {
			put(t, b, "A", n, again)
		}
	}
	settle := func(list ...int) {
		for _, n := range list {
			b.Delete(digest("A", n))
		}
	}
	put(t, b, "B", 9, false)
	all(false)
	all(false) // one that is refused again is the same row
	holds("six of three", "rrr???????", false, refusal.Tally{Dataset: "A", Rows: 6}, refusal.Tally{Dataset: "B", Rows: 1})
	settle(0, 4, 4)
	holds("four are left", "?rr???????", false, refusal.Tally{Dataset: "A", Rows: 4}, refusal.Tally{Dataset: "B", Rows: 1})
	settle(1)
	holds("three are left", "??r???????", true, refusal.Tally{Dataset: "A", Rows: 3}, refusal.Tally{Dataset: "B", Rows: 1})
	b.Anew() // the topic still holds the rows that were settled, in the order in which they came
	put(t, b, "B", 9, true)
	all(true)
	holds("meanwhile", "??r???????", false, refusal.Tally{Dataset: "A", Rows: 3}, refusal.Tally{Dataset: "B", Rows: 1})
	settle(0, 4, 4, 1, 3)
	put(t, b, "A", 7, false) // a new one
	b.Swap()
	holds("read anew", "..r..r.r..", false, refusal.Tally{Dataset: "A", Rows: 3}, refusal.Tally{Dataset: "B", Rows: 1})
	put(t, b, "A", 8, false)
	settle(8, 2, 5, 7)
	b.Delete(digest("B", 9))
	holds("settled", "..........", false)
}

// Beyond what is counted a book knows only that there was more, until it is read anew.
func TestMoreThanAreCounted(t *testing.T) {
	t.Parallel()
	b := refusal.NewBook(2)
	const many = 2 + 2*50 + 7
	for n := range many {
		put(t, b, "A", n, false)
	}
	want := []refusal.Tally{{Dataset: "A", Rows: many - 7}}
	if diff := cmp.Diff(want, b.Tallies()); diff != "" {
		t.Error(diff)
	}
	for n := range many {
		b.Delete(digest("A", n))
	}
	if rows, _ := state(t, b); rows != "??????????" || !b.Worn() || b.Empty() {
		t.Errorf("all that were counted are settled: rows %s, worn %v", rows, b.Worn())
	}
	b.Anew()
	put(t, b, "A", 5, true)
	b.Swap()
	if rows, persons := state(t, b); rows != ".....r...." || persons != rows {
		t.Errorf("read anew: rows %s, persons %s", rows, persons)
	}
}

// A department of whose rows each is refused does not take the process's memory.
func TestMemoryIsBounded(t *testing.T) {
	const rows, bound = 300_000, 30 << 20
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	b := refusal.NewBook(0)
	for n := range rows {
		put(t, b, "A", n, false)
	}
	if used := int64(heap()) - int64(before); used > bound {
		t.Errorf("%d refused rows take %d MiB", rows, used>>20)
	}
	if got := b.Tallies(); len(got) != 1 || got[0].Rows != rows {
		t.Errorf("they are told as %v", got)
	}
}
