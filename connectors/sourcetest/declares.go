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
	if k.Name == "" || k.Name != strings.ToLower(k.Name) || k.Chinese == "" || k.English == "" || k.Options == nil || k.Open == nil {
		t.Fatalf("kind %q lacks its name, what it is in Chinese or English, its options or Open", k.Name)
	}
	docs := option.Docs(k.Options())
	described(t, "", docs)
	kinds := connectors.Kinds{k}
	cfg := s.Config
	cfg.Kind = k.Name
	if err := kinds.Check(cfg); err != nil {
		t.Errorf("the configuration that the suite opens is refused: %v", err)
	}
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
