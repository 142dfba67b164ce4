package view_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/finding"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

const zhang = "539902198503120013"

func compile(t *testing.T) (map[string]*view.View, *keyring.Keyring) {
	t.Helper()
	return compileUnder(t, map[int][]byte{1: bytes.Repeat([]byte{7}, 32)}, 1)
}

func compileUnder(t *testing.T, keysByVersion map[int][]byte, current int) (map[string]*view.View, *keyring.Keyring) {
	t.Helper()
	c, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keyring.New("intl", keysByVersion, current)
	if err != nil {
		t.Fatal(err)
	}
	views, err := view.Compile(c, codec.New(nil), keys)
	if err != nil {
		t.Fatal(err)
	}
	return views, keys
}

func TestNormalise(t *testing.T) {
	t.Parallel()
	views, _ := compile(t)
	for _, c := range []struct{ view, typed, want string }{
		{"person.partial", zhang, zhang},
		{"person.partial", " ５３９９０２１９８５０３１２００１３ ", zhang},
		{"person.partial", "539902850312001", zhang},
		{"person.partial", "53990219850312003x", "53990219850312003X"},
		{"enterprise.public", "91539900made00011b", "91539900MADE00011B"},
		{"GA02.partial", zhang + "|R1", zhang + "|R1"},
		{"GA02.partial", zhang + "|R%7C1", zhang + "|R%7C1"},
		{"person.partial", "", ""},
		{"person.partial", "12345", ""},
		{"person.partial", zhang + "|R1", ""},
		{"GA02.partial", zhang, ""},
		{"GA02.partial", zhang + "|", ""},
		{"GA02.partial", zhang + "|R1|R2", ""},
		{"person.partial", strings.Repeat("1", 600), ""},
	} {
		got, err := views[c.view].Normalise(c.typed)
		if got != c.want || (err != nil) != (c.want == "") || err != nil && !errors.Is(err, view.ErrKey) {
			t.Errorf("%s: Normalise(%.20q) = %q, %v, want %q", c.view, c.typed, got, err, c.want)
		}
	}
}

// TestDigestsDiffer: neither two views nor a view and the audit can be joined.
func TestDigestsDiffer(t *testing.T) {
	t.Parallel()
	views, _ := compile(t)
	a, b := views["GA01.partial"], views["RS02.partial"]
	if a.Digest(zhang) == b.Digest(zhang) {
		t.Error("two views keep a person under one digest")
	}
	if a.AuditDigest(zhang) != views["person.partial"].AuditDigest(zhang) || a.AuditDigest(zhang) != views["GA02.partial"].AuditDigest(zhang+"|R1") {
		t.Error("the audit cannot find a person in every view")
	}
	if keys := views["person.partial"].RecordKeys(nil, zhang); len(keys) != 1 || strings.Contains(keys[0], zhang) {
		t.Errorf("the record keys of a masked view are %q", keys)
	}
}

// TestRotated: under a ring of two keys people are looked for under the tokens of
// both, and under one digest in the audit.
func TestRotated(t *testing.T) {
	t.Parallel()
	first, _ := compile(t)
	views, keys := compileUnder(t, map[int][]byte{1: bytes.Repeat([]byte{7}, 32), 2: bytes.Repeat([]byte{8}, 32)}, 2)
	v, before := views["person.partial"], first["person.partial"].RecordKeys(nil, zhang)
	got := v.RecordKeys(nil, zhang)
	if len(got) != 2 || !slices.Contains(got, before[0]) || !slices.Contains(got, keys.Token("key:person.partial", zhang)) {
		t.Errorf("RecordKeys = %q, before %q", got, before)
	}
	if v.AuditDigest(zhang) != first["person.partial"].AuditDigest(zhang) || v.Digest(before[0]) != first["person.partial"].Digest(before[0]) {
		t.Error("a digest moved with the key")
	}
	if got := views["enterprise.public"].RecordKeys(nil, "91539900MADE00011B"); !slices.Equal(got, []string{"91539900MADE00011B"}) {
		t.Errorf("a key that is not masked is looked for as %q", got)
	}
	for version := 1; version <= 2; version++ {
		subject, err := keys.TokenVersion(version, "finding", zhang)
		if err != nil {
			t.Fatal(err)
		}
		book := finding.NewBook()
		book.Put(finding.Finding{ID: "1", State: finding.Open, Subject: subject, OpenedAt: time.Now(), Evidence: []finding.Evidence{{Dataset: "golden", Field: "XM"}}})
		if got := v.Disputed(book, zhang, []string{"XM"}); !slices.Equal(got, []string{"XM"}) {
			t.Errorf("Disputed of a finding under key %d = %q", version, got)
		}
	}
}

func TestDisputed(t *testing.T) {
	t.Parallel()
	views, keys := compile(t)
	book := finding.NewBook()
	book.Put(finding.Finding{ID: "1", State: finding.Open, Subject: keys.Token("finding", zhang), OpenedAt: time.Now(), Evidence: []finding.Evidence{
		{Dataset: "GA01", Field: "HYZKDM"}, {Dataset: "MZ01", Field: "HYZKDM"}, {Dataset: "GA03", Field: "ZTDM"}, {Dataset: "golden", Field: "XM"}, {Dataset: "RS02", Field: "DYZTDM"},
	}})
	for _, c := range []struct {
		view, key string
		granted   []string
		want      []string
	}{
		{"person.partial", zhang, []string{"XM", "HYZKDM", "GA03", "CSRQ"}, []string{"GA03", "HYZKDM", "XM"}},
		{"person.partial", zhang, []string{"CSRQ"}, nil},
		{"person.partial", "539902198503120021", []string{"XM", "HYZKDM"}, nil},
		{"GA01.partial", zhang, []string{"XM", "HYZKDM"}, []string{"HYZKDM"}},
		{"RS02.partial", zhang, []string{"DYZTDM"}, []string{"DYZTDM"}},
		{"GA02.partial", zhang + "|R1", []string{"JZDZ"}, nil},
	} {
		if got := views[c.view].Disputed(book, c.key, c.granted); !slices.Equal(got, c.want) {
			t.Errorf("%s: disputed %v, want %v", c.view, got, c.want)
		}
	}
}

func TestMaskKey(t *testing.T) {
	t.Parallel()
	views, _ := compile(t)
	for id, c := range map[string][2]string{
		"person.partial": {zhang, "539902************"}, "enterprise.public": {"91539900MADE00011B", "91539900MADE00011B"}, "MZ01.partial": {"J5399-1", "J5*****"},
	} {
		if got := views[id].MaskKey(c[0]); got != c[1] {
			t.Errorf("%s: %q, want %q", id, got, c[1])
		}
	}
}

func FuzzNormalise(f *testing.F) {
	f.Add(zhang)
	f.Add("５３９９０２|%")
	c, err := manifest.Load(yunling.Files())
	if err != nil {
		f.Fatal(err)
	}
	keys, err := keyring.New("intl", map[int][]byte{1: bytes.Repeat([]byte{7}, 32)}, 1)
	if err != nil {
		f.Fatal(err)
	}
	views, err := view.Compile(c, codec.New(nil), keys)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, id := range []string{"person.partial", "GA02.partial", "GA03.partial", "enterprise.public"} {
			key, err := views[id].Normalise(raw)
			if err != nil {
				continue
			}
			if again, err := views[id].Normalise(key); err != nil || again != key {
				t.Errorf("%s: a normalised key becomes another one (%v)", id, err)
			}
		}
	})
}
