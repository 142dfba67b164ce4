package sourcetest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
)

// declares holds a kind against its one declaration of itself: it says what it is, each
// option says in both tongues what it means, and a configuration is checked against
// them, without anything being opened, with a list of what is allowed.
func declares(t *testing.T, _ Features, s *session) {
	k := s.Kind
	if k.Name == "" || k.Name != strings.ToLower(k.Name) || k.Chinese == "" || k.English == "" || k.Options == nil || k.Fits == nil || k.Open == nil {
		t.Fatalf("kind %q lacks its name, what it is in Chinese or English, its options, Fits or Open", k.Name)
	}
	docs := option.Docs(k.Options())
	described(t, "", docs)
	kinds := connectors.Kinds{k}
	cfg := s.Config
	cfg.Kind = k.Name
	if err := kinds.Check(cfg); err != nil {
		t.Errorf("the configuration that the suite opens is refused: %v", err)
	}
	feedsAll(t, kinds, cfg)
	cfg.Options = map[string]any{"no such option": 1}
	err := kinds.Check(cfg)
	if !errors.Is(err, connectors.ErrConfig) {
		t.Fatalf("an option that nobody declared: %v, want ErrConfig", err)
	}
	if _, open := k.Open(t.Context(), cfg, ""); !errors.Is(open, connectors.ErrConfig) || !strings.Contains(open.Error(), `"no such option"`) {
		t.Errorf("opened with an option that nobody declared: %v, want ErrConfig", open)
	}
	words := strings.FieldsFunc(err.Error(), func(r rune) bool { return strings.ContainsRune(" :,", r) })
	for _, d := range docs {
		if !slices.Contains(words, d.Name) {
			t.Errorf("the refusal does not say that %q is allowed: %v", d.Name, err)
		}
		if d.Required && !strings.Contains(err.Error(), `option "`+d.Name+`" is missing`) {
			t.Errorf("option %q is required, and nobody is told that it is missing: %v", d.Name, err)
		}
	}
}

// feedsAll: a dataset that a source does not feed by what its file says is refused before
// anything is opened, for it would count as complete while nothing of it ever comes. A kind
// that can feed any dataset without a word more waits for it instead.
func feedsAll(t *testing.T, kinds connectors.Kinds, cfg connectors.Config) {
	t.Helper()
	other := *cfg.Datasets[0]
	other.ID = "ZZ99"
	cfg.Datasets = append(cfg.Datasets[:len(cfg.Datasets):len(cfg.Datasets)], &other)
	if err := kinds.Check(cfg); err == nil {
		src, err := kinds[0].Open(t.Context(), cfg, "")
		if err != nil {
			t.Fatalf("checked, and refused when it was opened: %v", err)
		}
		defer src.Close() //nolint:errcheck // only its first batch is wanted
		b, err := src.Read(t.Context())
		if err != nil || !slices.Contains(b.Awaited, other.ID) {
			t.Errorf("a dataset that nothing of the source's file feeds is taken, and not awaited: %v, %v", b.Awaited, err)
		}
	} else if !errors.Is(err, connectors.ErrConfig) {
		t.Errorf("a dataset that nothing of the source's file feeds: %v, want ErrConfig", err)
	}
}

func described(t *testing.T, path string, docs []option.Doc) {
	t.Helper()
	for _, d := range docs {
		if d.Chinese == "" || d.English == "" || strings.HasSuffix(d.English, ".") || strings.HasSuffix(d.Chinese, "。") {
			t.Errorf("option %q does not say in both tongues, without a full stop, what it means", path+d.Name)
		}
		if d.Required && d.Default != "" {
			t.Errorf("option %q is required and has a default", path+d.Name)
		}
		described(t, path+d.Name+".", d.Of)
	}
}
