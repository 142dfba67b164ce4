package masking

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// texts draws what departments send: canonical values of the kind, values that
// are masked already, and anything else.
func texts(kind string) *rapid.Generator[string] {
	anything := rapid.StringN(0, 40, -1)
	han := rapid.StringOfN(rapid.RuneFrom([]rune("张三李四欧阳诸葛阿不都热合曼·𠮷云岭市东区街道路号公司店*ZA1 ")), 1, 20, -1)
	digits := func(n int) *rapid.Generator[string] {
		return rapid.StringOfN(rapid.RuneFrom([]rune("0123456789X*")), n, n, -1)
	}
	forms := map[string][]*rapid.Generator[string]{
		"id_number":  {digits(18), digits(15)},
		"phone":      {digits(11), digits(7), rapid.Just("0871-65123456")},
		"bank_card":  {digits(16), digits(19)},
		"uscc":       {rapid.StringOfN(rapid.RuneFrom([]rune("0123456789ABCDEFGHJKLMNPQRTUWXY")), 18, 18, -1)},
		"plate":      {rapid.Map(digits(5), func(s string) string { return "云Z" + s })},
		"identifier": {digits(10), digits(4)},
	}
	return rapid.OneOf(append(forms[kind], anything, han)...)
}

// TestPartialProperties: of any text at all, a partial form is idempotent, is
// not the text itself, and lets through no more than the kind may show.
func TestPartialProperties(t *testing.T) {
	// How many characters of a value of the kind may be seen.
	shown := map[string]int{
		"id_number": 6, "uscc": 8, "person_name": 2, "org_name": 6, "phone": 7, "bank_card": 8, "plate": 3, "identifier": 4,
	}
	city := city(t).City
	for _, kind := range partialKinds {
		hide := partialOf(kind, newGazetteer(city))
		t.Run(kind, rapid.MakeCheck(func(t *rapid.T) {
			in := texts(kind).Draw(t, "value")
			out := hide(in)
			if again := hide(out); again != out {
				t.Fatalf("masking twice gives %q after %q", again, out)
			}
			if kind == "address" {
				if out != "" && !strings.HasPrefix(out, city.Name) && out != stars {
					t.Fatalf("address shows what is not in the dictionary")
				}
				return
			}
			if visible := utf8.RuneCountInString(strings.NewReplacer("*", "", "·", "", "-", "").Replace(out)); visible > shown[kind] {
				t.Fatalf("%d characters are visible in %q, at most %d may be", visible, out, shown[kind])
			}
			if in != "" && out == in && !strings.Contains(in, "*") {
				t.Fatalf("the value passed as it is")
			}
		}))
	}
}

// TestAddressNeverQuotes: what is put behind a known place never comes out, and nothing
// does where something is put in front.
func TestAddressNeverQuotes(t *testing.T) {
	g := newGazetteer(city(t).City)
	rapid.Check(t, func(t *rapid.T) {
		before, after := rapid.StringMatching(`[a-z]{1,9}`).Draw(t, "before"), rapid.StringMatching(`[a-z]{1,9}`).Draw(t, "after")
		if out := g.town("云岭市岭东区东关街道" + after); out != "云岭市岭东区东关街道***" {
			t.Fatalf("got %q", out)
		}
		if out := g.town(before + "云岭市岭东区东关街道" + after); out != stars {
			t.Fatalf("got %q", out)
		}
	})
}

// TestNoMaskLeaks: no rule on any kind it fits lets a canary through, in any
// type of value, not even one that its kind never has.
func TestNoMaskLeaks(t *testing.T) {
	canaries := []schemas.Value{
		schemas.Text("金丝雀王小二13912345678"), schemas.Text("539902198503127777"), schemas.Text("canary-canary-canary"), schemas.Text("\xff\xfecanary"),
		schemas.Binary("canary"), schemas.Int(1234567891), schemas.Float(1234567891), schemas.Unavailable, schemas.Null,
	}
	for _, m := range schemas.MaskRules() {
		for _, kind := range schemas.Kinds() {
			if !m.Applies(kind) {
				continue
			}
			l := newLab(kind + ":" + m.ID)
			p := l.compile(t)
			for i, v := range canaries {
				got, _ := p.Apply(schemas.NewRecord(l.dataset.Layout, []schemas.Value{v}), now)
				out := got.Value(0)
				if s := out.Str(); strings.Contains(s, "canary") || strings.Contains(s, "王小二") || strings.Contains(s, "7777") || strings.Contains(s, "34567891") {
					t.Errorf("mask %s on %s lets canary %d through", m.ID, kind, i)
				}
				if out.Kind() == schemas.KindInt || out.Kind() == schemas.KindDouble {
					t.Errorf("mask %s on %s shows a number for canary %d", m.ID, kind, i)
				}
			}
		}
	}
}

func BenchmarkApply(b *testing.B) {
	cat := city(b)
	for _, id := range []string{"GA01.clear", "GA01.partial", "GA01.verify", "SC01.clear", "SC01.partial"} {
		b.Run(id, func(b *testing.B) {
			v, err := cat.View(id)
			if err != nil {
				b.Skip(err)
			}
			p, err := Compile(v, v.Dataset.Layout, cat.City, ring(b))
			if err != nil {
				b.Fatal(err)
			}
			values := make([]schemas.Value, len(v.Dataset.Fields))
			for i, f := range v.Dataset.Fields {
				switch f.Element.Type {
				case schemas.String:
					values[i] = schemas.Text(map[string]string{"id_number": "539902198503120013", "address": "云岭市岭东区东关街道人民路12号"}[f.Element.Kind])
				default:
					values[i] = schemas.Int(5549)
				}
			}
			rec := schemas.NewRecord(v.Dataset.Layout, values)
			b.ReportAllocs()
			for b.Loop() {
				p.Apply(rec, now)
			}
		})
	}
}

// TestNameHides: a name whose form leaves nothing to hide is hidden whole.
func TestNameHides(t *testing.T) {
	for in, want := range map[string]string{"张·": "**", "·": "*", "··": "**", "*·": "*·", "张·三": "张·*"} {
		if got := personName(in); got != want {
			t.Errorf("personName(%q) = %q, want %q", in, got, want)
		}
	}
}
