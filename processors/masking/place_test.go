package masking

import (
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// What findings and explanations show of a value is decided by its element's own
// mask and its level, whatever its kind.
func TestPlace(t *testing.T) {
	cat := city(t)
	p := NewPlace("finding", cat.City, ring(t))
	tests := []struct{ element, level, in, want string }{
		{"id_number", "", "539902198503120013", "539902************"},
		{"person_name", "", "张三", "张*"},
		{"birth_date", "", "1985-03-12", "1985"},
		{"life_date", "", "2026-01-02", "2026"},
		{"death_date", "", "2026-01-02", "有"},
		{"date", "", "2026-01-02", "2026-01-02"},
		{"nation", "", "03", "***"},
		{"disability", "", "4", "***"},
		{"grade", "", "2", "***"},
		{"health", "", "canary", "***"},
		{"place", "", "canary", "***"},
		{"marital", "", "20", "20"},
		{"sex", "", "1", "1"},
		{"org_name", "", "云岭市某某公司", "云岭市某某公司"},
		{"org_name", "L3", "云岭市某某小学", "***"},
		{"text", "", "食品销售；餐饮服务", "食品销售；餐饮服务"},
		{"text", "L2", "三年级", "三年级"},
		{"document", "", "云岭许字〔2026〕1号", "云岭许字〔2026〕1号"},
		{"document", "L4", "云岭许字〔2026〕1号", "***"},
		{"uscc", "", "91539900MADE00011B", "91539900MADE00011B"},
		{"address", "", "云岭市岭东区东关街道1号", "云岭市岭东区东关街道***"},
		{"text", "", "法定代表人（539902198503120013）失联", "法定代表人（539902************）失联"},
		{"document", "", "云岭许字５３９９０２198503120013号", "云岭许字539902************号"},
		{"site", "", "人民路12号一三九一二三四五六七八", "人民路12号139****5678"},
		{"org_name", "", "云岭市张三烧烤店13912345678", "云岭市张三烧烤店139****5678"},
		{"site", "", "云岭市岭东区东关街道1号", "云岭市岭东区东关街道1号"},
		{"amount", "", "3456.78", "2000-5000"},
		{"capital", "", "3456.78", "3456.7800"},
		{"disability_card", "", "53990219850312001344", "539902**************"},
		{"id_number", "", "", ""},
	}
	for _, tt := range tests {
		el, err := cat.Element(tt.element)
		if err != nil {
			t.Fatal(err)
		}
		level := el.Level
		if tt.level != "" {
			level = tt.level
		}
		show, err := p.Of(level, el)
		if err != nil {
			t.Fatal(err)
		}
		if got := show(valueOf(t, el, tt.in)).Str(); got != tt.want {
			t.Errorf("place shows %q of %s at %s %q, want %q", got, tt.element, level, tt.in, tt.want)
		}
	}
}

// A household is joined by its token there, as in the views of the same audience.
func TestPlaceTokens(t *testing.T) {
	cat := city(t)
	el, err := cat.Element("household")
	if err != nil {
		t.Fatal(err)
	}
	keys := ring(t)
	show, err := NewPlace("finding", cat.City, keys).Of(el.Level, el)
	if err != nil {
		t.Fatal(err)
	}
	if got := show(schemas.Text("JT000777")).Str(); got != keys.Token("finding", "JT000777") {
		t.Errorf("place shows %q of a household", got)
	}
}

// A claim that lost a cell keeps to the mask of the cell and to its own.
func TestPlaceStandsIn(t *testing.T) {
	cat := city(t)
	p := NewPlace("finding", cat.City, ring(t))
	at := func(id string) *schemas.Element {
		e, err := cat.Element(id)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for _, tt := range []struct{ own, instead, in, want string }{
		{"site", "address", "云岭市岭东区东关街道1号", "云岭市岭东区东关街道***"},
		{"address", "site", "云岭市岭东区东关街道1号", "云岭市岭东区东关街道***"},
		{"date", "death_date", "2026-01-02", "有"},
		{"life_date", "death_date", "2026-01-02", "***"},
		{"text", "health", "canary", "***"},
		{"text", "person_name", "canary", "***"},
	} {
		show, err := p.Of("L1", at(tt.own), at(tt.instead))
		if err != nil {
			t.Fatal(err)
		}
		if got := show(valueOf(t, at(tt.own), tt.in)).Str(); got != tt.want {
			t.Errorf("a %s for a %s shows %q of %q, want %q", tt.own, tt.instead, got, tt.in, tt.want)
		}
	}
}

// Every element of the city with a mask of its own hides a value in every place
// outside of the views, and every element at L1 without one shows it.
func TestPlaceEveryElement(t *testing.T) {
	cat := city(t)
	p := NewPlace("finding", cat.City, ring(t))
	for _, e := range cat.Elements {
		in, ok := map[string]string{
			"id_number": "539902198503120013", "person_name": "金丝雀翎", "phone": "19900007777", "address": "云岭市岭东区东关街道金丝路七十七弄", "plate": "云Z77777",
			"uscc": "91539900MADE00011B", "org_name": "金丝雀商贸有限公司", "identifier": "G539902198503120013", "bank_card": "6222021234567890123", "text": "金丝雀",
			"date": "1985-03-12", "amount": "3456.78", "count": "77", "region": "539902", "timestamp": "2026-01-02T03:04:05+08:00", "boolean": "true",
		}[e.Kind]
		if e.Kind == "identifier" && e.Mask == "" {
			in = "云岭许字〔2026〕1号"
		}
		if e.Kind == "code" && len(e.Codes) > 0 {
			in, ok = e.Codes[0].Value, true
		}
		if !ok {
			t.Errorf("no sample of kind %q of element %q", e.Kind, e.ID)
			continue
		}
		show, err := p.Of(e.Level, e)
		if err != nil {
			t.Fatal(err)
		}
		v := valueOf(t, e, in)
		clear, got := element.Render(e, v), show(v).Str()
		if hidden := got != clear; hidden != (e.Mask != "" || e.Level >= "L3") {
			t.Errorf("element %q (%s, mask %q) shows %q", e.ID, e.Level, e.Mask, got)
		}
		if strings.Contains(got, "198503120013") {
			t.Errorf("element %q shows %q", e.ID, got)
		}
	}
}

// The partial form of a number that is made of an identity number shows of it
// what the number's own partial form shows, and nothing of what was added.
func TestComposite(t *testing.T) {
	cat := city(t)
	p := NewPlace("finding", cat.City, ring(t))
	for _, tt := range []struct{ element, in, want string }{
		{"disability_card", "53990219850312001344", "539902**************"},
		{"disability_card", "53990219850312003X11B1", "539902****************"},
		{"disability_card", "５３９９０２19850312001344", "539902**************"},
		{"disability_card", "539902850312001" + "44", "539902***********"},
		{"disability_card", "CL20260001", "**********"},
		{"pupil_number", "G539902198503120013", "*539902************"},
		{"pupil_number", "L539902198503120014", "*539902************"}, // a wrong check digit hides no better
		{"pupil_number", "2026000177", "**********"},
		{"certificate", "GA02-539902198503120013", "*****539902************"}, // its element does not say so
		{"certificate", "J539902-2026-000177", "J5***************77"},
	} {
		el, err := cat.Element(tt.element)
		if err != nil {
			t.Fatal(err)
		}
		show, err := p.Of("L2", el)
		if err != nil {
			t.Fatal(err)
		}
		if got := show(schemas.Text(tt.in)).Str(); got != tt.want {
			t.Errorf("partial %s of %q = %q, want %q", tt.element, tt.in, got, tt.want)
		}
	}
}

func valueOf(t *testing.T, e *schemas.Element, text string) schemas.Value {
	t.Helper()
	v, err := element.Parse(e, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
