package masking

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

var loadCity = sync.OnceValues(func() (*schemas.Catalogue, error) { return manifest.Load(yunling.Files()) })

func city(t testing.TB) *schemas.Catalogue {
	t.Helper()
	cat, err := loadCity()
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

func ring(t testing.TB) *keyring.Keyring {
	t.Helper()
	k, err := keyring.New("intl", map[int][]byte{1: []byte("0123456789abcdef0123456789abcdef")}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// lab is a dataset made for one test: columns of given kinds.
type lab struct {
	dataset *schemas.Dataset
	view    *schemas.View
}

// newLab makes a dataset of one column for each "kind:mask" and a view that
// shows all of them under their masks.
func newLab(columns ...string) lab {
	d := &schemas.Dataset{ID: "T01"}
	v := &schemas.View{ID: "T01.test", Dataset: d}
	var from, to []schemas.Column
	for i, c := range columns {
		kind, mask, _ := strings.Cut(c, ":")
		e := &schemas.Element{ID: kind, Kind: kind, Type: schemas.KindType(kind), Scale: 2}
		if kind == "date" {
			e.ID, e.PartOf = "birth", "id_number"
		}
		name := string(rune('A' + i))
		d.Fields = append(d.Fields, &schemas.Field{Name: name, Element: e, Index: i, Nullable: true})
		from = append(from, schemas.Column{Name: name, Type: e.Type, Precision: 18, Scale: 2, Nullable: true})
		out := schemas.Column{Name: name, Type: schemas.String, Nullable: true}
		switch mask {
		case "":
			out = from[i]
		case "digest":
			out.Type = schemas.Bytes
		}
		to = append(to, out)
		v.Fields = append(v.Fields, schemas.ViewField{Name: name, Mask: mask, Type: out.Type, Index: i})
	}
	d.Layout = schemas.MustLayout("yiyuan.raw", "T01", from...)
	v.Layout = schemas.MustLayout("yiyuan.shared", "T01_test", to...)
	return lab{d, v}
}

func (l lab) compile(t testing.TB) *Projection {
	t.Helper()
	p, err := Compile(l.view, l.dataset.Layout, city(t).City, ring(t))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var now = time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC)

// TestRules holds each rule to the examples of the domain notes.
func TestRules(t *testing.T) {
	tests := []struct{ rule, in, want string }{
		{"person_name:partial", "张三", "张*"},
		{"person_name:partial", "张三丰", "张**"},
		{"person_name:partial", "欧阳修", "欧阳*"},
		{"person_name:partial", "欧阳", "欧*"},
		{"person_name:partial", "司马相如", "司马**"},
		{"person_name:partial", "阿不都·热合曼", "阿**·***"},
		{"person_name:partial", "欧阳·某某", "欧*·**"},
		{"person_name:partial", "𠮷野家", "𠮷**"},
		{"person_name:partial", "李", "*"},
		{"person_name:surname", "张三丰", "张某"},
		{"person_name:surname", "诸葛亮", "诸葛某"},
		{"person_name:surname", "阿不都·热合曼", "阿某"},
		{"id_number:partial", "539902198503120013", "539902************"},
		{"id_number:partial", "53990219850312003X", "539902************"},
		{"id_number:token", "539902198503120013", ring(t).Token("T01.test", "539902198503120013")},
		{"phone:partial", "18012341999", "180****1999"},
		{"phone:partial", "09151234579", "0915-*****79"},
		{"phone:partial", "0871-65123456", "0871-******56"},
		{"phone:partial", "01065123456", "010-******56"},
		{"phone:partial", "12345", "*****"},
		{"address:partial", "云岭市岭东区东关街道人民路12号3单元501", "云岭市岭东区东关街道***"},
		{"address:partial", "云南省云岭市岭东区东关街道人民路12号", "云岭市岭东区东关街道***"},
		{"address:partial", "云岭市岭东区无名路9号", "云岭市岭东区***"},
		{"address:partial", "云岭市东关街道人民路12号", "云岭市岭东区东关街道***"},
		{"address:partial", "东关街道人民路12号", "***"},
		{"address:partial", "张三家对面", "***"},
		{"address:district", "云岭市岭东区东关街道人民路12号", "云岭市岭东区"},
		{"address:district", "北京市海淀区中关村", "***"},
		{"region:district", "539902", "539902"},
		{"region:district", "539902001002", "539902"},
		{"bank_card:partial", "6299990000000000012", "6299***********0012"},
		{"plate:partial", "云Z12348", "云Z****8"},
		{"plate:partial", "云ZD12348", "云Z*****8"},
		{"uscc:partial", "91539900MADE00011B", "91539900**********"},
		{"org_name:partial", "云岭市张三烧烤店", "云岭*****店"},
		{"identifier:partial", "M530000001", "M5******01"},
		{"date:year", "1985-03-12", "1985"},
		{"date:band", "1987-03-12", "1985-1989"},
		{"date:age", "1985-03-03", "40-44"},
		{"date:age", "2026-03-02", "0-4"},
		{"timestamp:year", "2025-12-31T16:00:00Z", "2026"},
		{"amount:band", "3000.00", "2000-5000"},
		{"amount:band", "0.00", "0"},
		{"amount:band", "0.01", "0-10"},
		{"amount:band", "-5", "<0"},
		{"amount:band", "99999999999", "50000000000-100000000000"},
		{"count:band", "10", "10-20"},
		{"count:band", "199", "100-200"},
		{"date:present", "2026-01-01", "有"},
		{"date:present", "", "无"},
		{"id_number:suppress", "539902198503120013", ""},
		{"person_name:partial", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.rule+" "+tt.want, func(t *testing.T) {
			l := newLab(tt.rule)
			p := l.compile(t)
			v, err := element.Parse(l.dataset.Fields[0].Element, tt.in)
			if err != nil {
				v = schemas.Text(tt.in) // a mask must cope with what validation refuses
			}
			got, dropped := p.Apply(schemas.NewRecord(l.dataset.Layout, []schemas.Value{v}), now)
			if dropped != 0 || got.Value(0).Str() != tt.want {
				t.Errorf("%s of %q = %q, dropped %d; want %q", tt.rule, tt.in, got.Value(0).Str(), dropped, tt.want)
			}
		})
	}
}

// A mask that does not understand a value, and one that panics, drop the field
// and count it; the neighbours stay.
func TestFailedMaskDrops(t *testing.T) {
	l := newLab("date:year", "person_name:partial")
	p := l.compile(t)
	failed := map[string]int{}
	p.OnFailure(func(field string) { failed[field]++ })
	rec := schemas.NewRecord(l.dataset.Layout, []schemas.Value{schemas.Text("canary 1985"), schemas.Text("张三")})
	got, dropped := p.Apply(rec, now)
	if dropped != 1 || !got.Value(0).IsNull() || got.Value(1).Str() != "张*" {
		t.Errorf("Apply dropped %d, want the first field only", dropped)
	}
	p.columns[1].mask = func(schemas.Value, time.Time) (schemas.Value, bool) { panic("canary") }
	got, dropped = p.Apply(rec, now)
	if dropped != 2 || !got.Value(1).IsNull() {
		t.Errorf("Apply of a mask that panics dropped %d, want 2", dropped)
	}
	first, second := p.layout.Columns[0].Name, p.layout.Columns[1].Name
	if len(failed) != 2 || failed[first] != 2 || failed[second] != 1 {
		t.Errorf("failures by field: %v, want 2 of %s and 1 of %s", failed, first, second)
	}
}

// A cell that the source did not send is not shown, clear or masked.
func TestUnavailable(t *testing.T) {
	l := newLab("person_name:", "person_name:partial", "date:present")
	got, _ := l.compile(t).Apply(schemas.NewRecord(l.dataset.Layout, []schemas.Value{schemas.Unavailable, schemas.Unavailable, schemas.Unavailable}), now)
	for i := range 2 {
		if !got.Value(i).IsNull() {
			t.Errorf("column %d of an unavailable value is not null", i)
		}
	}
}

// What Compile refuses: it must never come down to hoping that the catalogue's
// own checks were run.
func TestRefused(t *testing.T) {
	tests := map[string]func() lab{
		"unknown rule":           func() lab { return newLab("person_name:fpe") },
		"rule of another kind":   func() lab { return newLab("person_name:year") },
		"clear in a verify view": func() lab { l := newLab("person_name:"); l.view.Only = "verify"; return l },
		"no digest in a verify view": func() lab {
			l := newLab("person_name:partial")
			l.view.Only = "verify"
			return l
		},
		"birth date beside a partial number": func() lab { return newLab("id_number:partial", "date:") },
		"layout moved": func() lab {
			l := newLab("person_name:", "id_number:partial")
			l.view.Fields[0].Index, l.view.Fields[1].Index = 1, 0
			return l
		},
		"no such column": func() lab { l := newLab("person_name:"); l.view.Fields[0].Index = 7; return l },
		"clear of another type": func() lab {
			l := newLab("date:")
			l.view.Layout.Columns[0].Type = schemas.String
			return l
		},
		"mask into a column that cannot be null": func() lab {
			l := newLab("person_name:partial")
			l.view.Layout.Columns[0].Nullable = false
			return l
		},
		"text into a number": func() lab {
			l := newLab("person_name:partial")
			l.view.Layout.Columns[0].Type = schemas.Long
			return l
		},
	}
	for name, make := range tests {
		t.Run(name, func(t *testing.T) {
			l := make()
			if _, err := Compile(l.view, l.dataset.Layout, schemas.City{}, ring(t)); !errors.Is(err, ErrRefused) {
				t.Errorf("Compile = %v, want ErrRefused", err)
			}
		})
	}
	l := newLab("person_name:token")
	if _, err := Compile(l.view, l.dataset.Layout, schemas.City{}, nil); !errors.Is(err, ErrRefused) {
		t.Errorf("Compile of a token without keys = %v, want ErrRefused", err)
	}
}

// Two audiences cannot join their tokens, nor a view's tokens its keys; the two
// suites of keys both work.
func TestTokens(t *testing.T) {
	l := newLab("id_number:token", "id_number:digest")
	rec := schemas.NewRecord(l.dataset.Layout, []schemas.Value{schemas.Text("539902198503120013"), schemas.Text("539902198503120013")})
	seen := map[string]bool{}
	for _, suite := range []string{"intl", "gm"} {
		k, err := keyring.New(suite, map[int][]byte{1: []byte("0123456789abcdef0123456789abcdef")}, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, who := range []string{"", "RS-GLJT", "MZ-DBHD"} {
			v := *l.view
			v.Audience, v.KeyMask = who, true
			p, err := Compile(&v, l.dataset.Layout, schemas.City{}, k)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := p.Apply(rec, now)
			key := p.Key("539902198503120013")
			if seen[got.Value(0).Str()] || seen[key] || got.Value(0).Str() == key {
				t.Errorf("tokens of suite %s, audience %q are not their own", suite, who)
			}
			seen[got.Value(0).Str()], seen[key] = true, true
			if n := len(got.Value(1).Str()); n != 16 {
				t.Errorf("digest has %d bytes, want 16", n)
			}
		}
	}
}

// The catalogue's list of rules and this package's are the same.
func TestRulesAgree(t *testing.T) {
	if got, want := len(Rules()), len(schemas.MaskRules()); got != want {
		t.Errorf("there are %d rules, the catalogue knows %d", got, want)
	}
	for _, m := range schemas.MaskRules() {
		r, ok := rules[m.ID]
		if !ok {
			t.Errorf("rule %q is missing", m.ID)
			continue
		}
		for _, kind := range schemas.Kinds() {
			fits := r.kinds == nil
			for _, k := range r.kinds {
				fits = fits || k == kind
			}
			if fits != m.Applies(kind) {
				t.Errorf("rule %q on kind %q: %t here, %t in the catalogue", m.ID, kind, fits, m.Applies(kind))
			}
		}
	}
}

// Every view of the sample city compiles, embedded rows too.
func TestYunlingCompiles(t *testing.T) {
	cat := city(t)
	n := 0
	for _, d := range cat.Datasets {
		for _, v := range d.Views {
			n++
			if _, err := Compile(v, d.Layout, cat.City, ring(t)); err != nil {
				t.Error(err)
			}
		}
	}
	for _, e := range cat.Entities {
		for _, v := range e.Views {
			if v.Name == schemas.ExplainView {
				continue
			}
			n++
			if _, err := Compile(v, e.Layout, cat.City, ring(t)); err != nil {
				t.Error(err)
			}
			for i := range v.Embed {
				if _, err := Embed(v, i, cat.City, ring(t)); err != nil {
					t.Error(err)
				}
			}
		}
	}
	if n < 20 {
		t.Errorf("compiled %d views, want all of the city's", n)
	}
}
