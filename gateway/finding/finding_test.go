package finding_test

import (
	"errors"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/finding"
)

func TestBook(t *testing.T) {
	t.Parallel()
	b := finding.NewBook()
	at := time.UnixMilli(1000)
	put := func(id, state, subject string, cells ...finding.Evidence) {
		b.Put(finding.Finding{ID: id, State: state, Subject: subject, Rule: "R", OpenedAt: at, Evidence: cells})
	}
	x, y := finding.Evidence{Dataset: "A", Field: "x"}, finding.Evidence{Dataset: "A", Field: "y"}
	put("1", "open", "s", x)
	put("2", "open", "s", x, y)
	put("3", "closed", "s", x)
	if got := b.Disputed("s"); len(got) != 2 || b.Open() != 2 || b.ByRule()["R"] != 2 {
		t.Errorf("disputed %v, open %d", got, b.Open())
	}
	put("2", "closed", "s", x, y)
	if got := b.Disputed("s"); len(got) != 1 || got[0] != (finding.Cell{Dataset: "A", Field: "x"}) {
		t.Errorf("disputed %v", got)
	}
	put("1", "open", "other", x) // the subject's key was corrected
	if len(b.Disputed("s")) != 0 || len(b.Disputed("other")) != 1 {
		t.Error("a finding stays with the subject it had before")
	}
	b.Delete("1")
	b.Delete("1")
	if b.Open() != 0 || len(b.Disputed("other")) != 0 {
		t.Error("a deleted finding is still open")
	}
	if page, total, _, err := b.List(finding.Filter{Subject: "s", Limit: 9}); err != nil || total != 2 || len(page) != 2 || page[0].Subject != "s" {
		t.Errorf("of one subject: %v, %d, %v", page, total, err)
	}
	if _, ok := b.Get("3"); !ok {
		t.Error("a closed finding cannot be read")
	}
}

func TestCursor(t *testing.T) {
	t.Parallel()
	b := finding.NewBook()
	for _, id := range []string{"a", "b", "c", "d"} {
		b.Put(finding.Finding{ID: id, OpenedAt: time.UnixMilli(5)})
	}
	page, total, next, err := b.List(finding.Filter{Limit: 2})
	if err != nil || total != 4 || len(page) != 2 || page[1].ID != "b" || next == "" {
		t.Fatalf("first page %v of %d, %q, %v", page, total, next, err)
	}
	// What is opened meanwhile does not shift the pages.
	b.Put(finding.Finding{ID: "new", OpenedAt: time.UnixMilli(9)})
	page, _, next, err = b.List(finding.Filter{Limit: 2, Cursor: next})
	if err != nil || len(page) != 2 || page[0].ID != "c" || next != "" {
		t.Errorf("second page %v, %q, %v", page, next, err)
	}
	for _, bad := range []string{"!", "YQ", "eHl6LmE"} {
		if _, _, _, err := b.List(finding.Filter{Limit: 2, Cursor: bad}); !errors.Is(err, finding.ErrCursor) {
			t.Errorf("cursor %q: %v", bad, err)
		}
	}
}
