package connectors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors/option"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Kind is one kind of source: all that the rest of the bus must know of it. A
// distribution lists its kinds in one place, a line each.
type Kind struct {
	Name string
	// Chinese and English say what a source of this kind is, a sentence each.
	Chinese, English string
	// Needs is what the department prepares in its system, as the reference shows it: Markdown,
	// both tongues. "" if nothing is.
	Needs string
	// Options returns a new struct of its options, which Open reads with Config.Read.
	Options func() option.Declarer
	// Fits refuses, with ErrConfig, what Open would refuse of what a source's file says, without
	// opening anything: its options, which are sound by themselves, against its datasets. Each of them
	// must be fed by something, or it would count as complete while nothing of it ever comes.
	Fits func(cfg Config) error
	// Alone names in both tongues what one source alone may use, such as its folder, and what
	// lies below that. nil: nothing.
	Alone   func(cfg Config) (what, chinese, english string)
	Open    Open
	Reread  Reread
	Consent Consent // nil if it holds nothing by itself
	// Examine looks at the system of a source and changes nothing there; begun says
	// that the source has been read before. An error says that the system does not answer.
	// nil: there is nothing to look at.
	Examine func(ctx context.Context, cfg Config, begun bool) (Examined, error)
	// Drop removes what a source, which is down, has made in the department's system, up to a
	// position, and says what it removed and what it left. nil: the kind makes nothing there.
	Drop func(ctx context.Context, cfg Config, at schemas.Position) ([]string, error)
	// Listen opens what all sources of this kind share, a listener that departments call,
	// before any of them is opened. nil: they need none.
	Listen func(ctx context.Context, sources []Config) (Listening, error)
}

// Listening is a listener that is open.
type Listening struct {
	Kind    string
	Address string                          // host:port
	Serve   func(ctx context.Context) error // until ctx ends
}

// Grade is how good what was found is.
type Grade string

// The grades of what an examination finds.
const (
	Fine    Grade = "ok"
	Warning Grade = "warning"
	Problem Grade = "problem"
)

// Finding is one thing that a look at a source's system has shown: 中文 / English.
type Finding struct {
	Grade    Grade
	What, Do string
}

// Examined is what a look at a source's system has come to.
type Examined struct {
	Found []Finding
	Clock bool          // it told its time:
	Ahead time.Duration // its clock before ours
}

// Kinds is every kind of source of a distribution.
type Kinds []Kind

// Names are the names of the kinds, in order.
func (k Kinds) Names() []string {
	out := make([]string, len(k))
	for i, kind := range k {
		out[i] = kind.Name
	}
	slices.Sort(out)
	return out
}

// Find returns the kind of that name.
func (k Kinds) Find(name string) (Kind, error) {
	for _, kind := range k {
		if kind.Name == name {
			return kind, nil
		}
	}
	return Kind{}, fmt.Errorf("kind %q 不认识 / unknown, known kinds are: %s%s: %w", name, strings.Join(k.Names(), " "), option.Nearest(name, k.Names()), ErrConfig)
}

// Check checks what a source's file says as far as that goes without opening anything.
func (k Kinds) Check(cfg Config) error {
	kind, err := k.Find(cfg.Kind)
	if err != nil {
		return err
	}
	if err := option.Check(cfg.Options, kind.Options()); err != nil {
		return err
	}
	return kind.Fits(cfg)
}

// Apart refuses a source that uses what another of them alone may.
func (k Kinds) Apart(sources []Config) error {
	var problems []error
	type claim struct{ of, kind, what string }
	var taken []claim
	for _, cfg := range sources {
		kind, err := k.Find(cfg.Kind)
		if err != nil || kind.Alone == nil {
			continue
		}
		what, zh, en := kind.Alone(cfg)
		i := slices.IndexFunc(taken, func(c claim) bool {
			return c.kind == cfg.Kind && (strings.HasPrefix(what+"/", c.what+"/") || strings.HasPrefix(c.what+"/", what+"/"))
		})
		if i >= 0 {
			problems = append(problems, fmt.Errorf("数据源 %s 与 %s 用同一个%s（或一个在另一个里面），请各用各的 / sources %q and %q use one %s, or one lies within the other's: give each its own: %w", taken[i].of, cfg.Name, zh, taken[i].of, cfg.Name, en, ErrConfig))
			continue
		}
		taken = append(taken, claim{cfg.Name, cfg.Kind, what})
	}
	return errors.Join(problems...)
}

// Bind adds to a source's configuration what its kind declares.
func (k Kinds) Bind(cfg Config) (Config, error) {
	kind, err := k.Find(cfg.Kind)
	cfg.Reread, cfg.Consent = kind.Reread, kind.Consent
	return cfg, err
}

// Listen opens what sources of each kind share, for the kinds of which there is one.
func (k Kinds) Listen(ctx context.Context, sources []Config) ([]Listening, error) {
	var out []Listening
	for _, kind := range k {
		its := slices.DeleteFunc(slices.Clone(sources), func(c Config) bool { return c.Kind != kind.Name })
		if kind.Listen == nil || len(its) == 0 {
			continue
		}
		open, err := kind.Listen(ctx, its)
		if err != nil {
			return nil, err
		}
		open.Kind = kind.Name
		out = append(out, open)
	}
	return out, nil
}

// Form is Read by the form alone: no secret is looked up, as none need be there where a
// configuration is only checked.
func (c Config) Form(into option.Declarer) error { return option.Check(c.Options, into) }

// Read fills a struct of options from what the source's configuration gives.
func (c Config) Read(into option.Declarer) error {
	if err := option.Read(c.Options, into); err != nil {
		return fmt.Errorf("数据源 %[1]s 的选项有误 / options of source %[1]q: %[2]w", c.Name, err)
	}
	return nil
}
