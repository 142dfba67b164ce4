package element

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

func float(f float64) *float64 { return &f }

// elements has one element of every kind.
var elements = func() map[string]*schemas.Element {
	m := map[string]*schemas.Element{}
	for _, kind := range schemas.Kinds() {
		m[kind] = &schemas.Element{ID: kind, Kind: kind, Type: schemas.KindType(kind)}
	}
	m["amount"].Precision, m["amount"].Scale = 16, 4
	m["code"].Codes = []schemas.Code{{Value: "01", Title: "汉族", English: "Han"}, {Value: "02", Title: "蒙古族"}, {Value: "A", Title: "甲"}}
	return m
}()

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ kind, in, want, code string }{
		{"id_number", "53990219850312003x", "53990219850312003X", ""},
		{"id_number", " ５３９９０２１９８５０３１２００１３ ", "539902198503120013", ""},
		{"id_number", "539902198503120012", "539902198503120012", ""}, // wrong check digit: a finding, no error
		{"id_number", "110105491231002", "11010519491231002X", ""},
		{"id_number", "539902 19850312 0013", "539902198503120013", ""},
		{"id_number", "", "", ""},
		{"id_number", "\u3000 \ufeff", "", ""},
		{"id_number", "53990219850312001", "", CodeLength},
		{"id_number", "53990219850230001X", "", CodeDate},
		{"id_number", "110105491331002", "", CodeDate},
		{"id_number", "5399021985O312003X", "", CodeCharacters},
		{"id_number", "5.39902E+17", "", CodeSpreadsheet},
		{"id_number", "1.30E+17", "", CodeSpreadsheet},
		{"id_number", "5.39902198503120013E17", "", CodeSpreadsheet},
		{"uscc", "91539900-made0001-1b", "91539900MADE00011B", ""},
		{"uscc", "91310115MA1H8R7C6D", "91310115MA1H8R7C6D", ""},
		{"uscc", "539902198503120013", "", CodeCharacters},       // a citizen's number: it would be shown as a public code
		{"uscc", "539902198503120012", "539902198503120012", ""}, // wrong check character of either
		{"uscc", "91350100M000100Y4Z", "", CodeCharacters},
		{"uscc", "91350100M000100Y4", "", CodeLength},
		{"uscc", "9.15E+17", "", CodeSpreadsheet},
		{"person_name", "张 三", "张三", ""},
		{"person_name", "　欧阳　娜娜 ", "欧阳娜娜", ""},
		{"person_name", "买买提•阿卜杜拉", "买买提·阿卜杜拉", ""},
		{"person_name", "买买提・阿卜杜拉", "买买提·阿卜杜拉", ""},
		{"person_name", "买买提．阿卜杜拉", "买买提·阿卜杜拉", ""},
		{"person_name", "买买提 · 阿卜杜拉", "买买提·阿卜杜拉", ""},
		{"person_name", "买买提.阿卜杜拉", "买买提·阿卜杜拉", ""},
		{"person_name", "买买提‧‧阿卜杜拉·", "买买提·阿卜杜拉", ""},
		{"person_name", "𠮷田㼆", "𠮷田㼆", ""},
		{"person_name", "王\U0002A6A5", "王\U0002A6A5", ""},
		{"person_name", "李\ue81e", "李\u9fb4", ""}, // GB18030-2005 private use to Unicode
		{"person_name", "李\ue831", "李\U000215D7", ""},
		{"person_name", "葛\U000E0100城", "葛城", ""},
		{"person_name", "\uf9b4木", "\u9818木", ""}, // compatibility ideograph
		{"person_name", "〇一", "〇一", ""},
		{"person_name", "ＪＯＨＮ　ＳＭＩＴＨ", "JOHN SMITH", ""},
		{"person_name", "J. R. Smith", "J. R. Smith", ""},
		{"person_name", "张?", "", CodeCharacters},
		{"person_name", "张\ufffd", "", CodeEncoding},
		{"person_name", "张\xd5\xc5", "", CodeEncoding},
		{"person_name", "张\x00三", "", CodeEncoding},
		{"person_name", "12345", "", CodeCharacters},
		{"person_name", strings.Repeat("长", 51), "", CodeLength},
		{"org_name", "云岭市（岭东）商贸有限公司", "云岭市(岭东)商贸有限公司", ""},
		{"org_name", "云岭市 ( 岭东 ) 商贸有限公司 ", "云岭市(岭东)商贸有限公司", ""},
		{"org_name", "ＡＢＣ  科技", "ABC科技", ""},
		{"text", " 肺癌，Ａ１　期\r\n复查 ", "肺癌，A1 期\n复查", ""},
		{"address", "云岭市岭东区东关街道文庙路１２号３幢２单元５０１室", "云岭市岭东区东关街道文庙路12号3栋2单元501室", ""},
		{"address", "云岭市岭东区 东关街道 文庙路十二号 三栋 二单元 501室", "云岭市岭东区东关街道文庙路12号3栋2单元501室", ""},
		{"address", "文庙路12#3幢", "文庙路12号3栋", ""},
		{"address", "文庙路NO.12，3幢", "文庙路123栋", ""},
		{"address", "一二一大街二十五号院", "一二一大街25号院", ""},
		{"address", "文庙路012號", "文庙路12号", ""},
		{"address", "文庙路一百零五号", "文庙路105号", ""},
		{"address", "文庙路3—1号", "文庙路3-1号", ""},
		{"address", "123", "", CodeCharacters},
		{"date", "20260131", "2026-01-31", ""},
		{"date", "2026-1-31", "2026-01-31", ""},
		{"date", "2026/1/31", "2026-01-31", ""},
		{"date", "2026.01.31", "2026-01-31", ""},
		{"date", "2026年1月31日", "2026-01-31", ""},
		{"date", "２０２６－０１－３１", "2026-01-31", ""},
		{"date", "2026-01-31 00:00:00.000", "2026-01-31", ""},
		{"date", "2026-01-31T00:00:00Z", "2026-01-31", ""},
		{"date", "2026/1/31  0:00:00", "2026-01-31", ""},
		{"date", "20260131000000", "2026-01-31", ""},
		{"date", "2026年1月31日 00时00分00秒", "2026-01-31", ""},
		{"date", "2026-01-31 12:00:00 AM", "2026-01-31", ""},
		{"date", "20260131080000", "", CodeDate},
		{"date", "1899-12-30", "", CodeDate},
		{"date", "1899/12/31 0:00", "", CodeDate},
		{"date", "1899-12-29", "1899-12-29", ""},
		{"timestamp", "1899-12-30 00:00:00", "", CodeDate},
		{"date", "9999-12-31", "9999-12-31", ""},
		{"date", "1880-01-01", "1880-01-01", ""},
		{"date", "2024-02-29", "2024-02-29", ""},
		{"date", "2026-01-31 08:00:00", "", CodeDate},
		{"date", "2026-02-29", "", CodeDate},
		{"date", "2026-13-01", "", CodeDate},
		{"date", "00000000", "", CodeDate},
		{"date", "0000-00-00", "", CodeDate},
		{"date", "31/01/2026", "", CodeDate},
		{"date", "1799-12-31", "", CodeDate},
		{"date", "45322", "", CodeSpreadsheet},
		{"timestamp", "2026-01-31 08:09:10", "2026-01-31T08:09:10+08:00", ""},
		{"timestamp", "2026-01-31T00:09:10.123Z", "2026-01-31T08:09:10.123+08:00", ""},
		{"timestamp", "2026-01-31 00:09:10.123456+00", "2026-01-31T08:09:10.123+08:00", ""},
		{"timestamp", "20260131080910", "2026-01-31T08:09:10+08:00", ""},
		{"timestamp", "1769818150123", "2026-01-31T08:09:10.123+08:00", ""},
		{"timestamp", "2026/1/31", "2026-01-31T00:00:00+08:00", ""},
		{"timestamp", "2026-01-31 25:00:00", "", CodeDate},
		{"phone", "199 0000 1234", "19900001234", ""},
		{"phone", "+86-19900001234", "19900001234", ""},
		{"phone", "8619900001234", "19900001234", ""},
		{"phone", "(0871)6336-1279", "0871-63361279", ""},
		{"phone", "087163361279", "0871-63361279", ""},
		{"phone", "010-65001234转801", "010-65001234-801", ""},
		{"phone", "400-810-8888", "4008108888", ""},
		{"phone", "12345", "12345", ""},
		{"phone", "63361279", "63361279", ""},
		{"phone", "1990000123", "", CodeLength},
		{"phone", "无", "", CodeCharacters},
		{"phone", "1.99E+10", "", CodeSpreadsheet},
		{"plate", "云z·12345", "云Z12345", ""},
		{"plate", " 云Ｚ D12345", "云ZD12345", ""},
		{"plate", "云Z1234挂", "云Z1234挂", ""},
		{"plate", "云Z12", "", CodeLength},
		{"plate", "云Z12警45", "", CodeCharacters},
		{"amount", "1,234.5", "1234.5000", ""},
		{"amount", "￥１２３４．５０００００", "1234.5000", ""},
		{"amount", "-0.0001", "-0.0001", ""},
		{"amount", ".5", "0.5000", ""},
		{"amount", "0", "0.0000", ""},
		{"amount", "999999999999.9999", "999999999999.9999", ""},
		{"amount", "1234567890123", "", CodeRange},
		{"amount", "1.00001", "", CodePrecision},
		{"amount", "1.5E+3", "", CodeSpreadsheet},
		{"amount", "1,5", "", CodeCharacters},
		{"amount", "1.2.3", "", CodeCharacters},
		{"amount", "--1", "", CodeCharacters},
		{"amount", "99999999999999999999999", "", CodeRange},
		{"count", "1,024", "1024", ""},
		{"count", "12.0", "12", ""},
		{"count", "12.5", "", CodeCharacters},
		{"count", "-1", "", CodeRange},
		{"count", "9223372036854775808", "", CodeRange},
		{"code", "01", "01", ""},
		{"code", "1", "01", ""},
		{"code", "汉族", "01", ""},
		{"code", "a", "A", ""},
		{"code", "3", "", CodeSet},
		{"code", "001", "", CodeSet},
		{"bank_card", "6299 9900 0000 0000 012", "6299990000000000012", ""},
		{"bank_card", "6.3E+18", "", CodeSpreadsheet},
		{"bank_card", "62999900000A", "", CodeCharacters},
		{"bank_card", "629999", "", CodeLength},
		{"identifier", " 云审字〔2026〕１２号 ", "云审字〔2026〕12号", ""},
		{"identifier", "hk-2026 001", "HK-2026001", ""},
		{"identifier", "1.30E+17", "", CodeSpreadsheet},
		{"identifier", "12E5", "12E5", ""},
		{"boolean", "是", "true", ""},
		{"boolean", "F", "false", ""},
		{"boolean", "2", "", CodeSet},
		{"region", "５３９９０２", "539902", ""},
		{"region", "53990", "", CodeLength},
		{"region", "53990A", "", CodeCharacters},
	} {
		t.Run(c.kind+"/"+c.in, func(t *testing.T) {
			t.Parallel()
			e := elements[c.kind]
			v, err := Parse(e, c.in)
			var problem *Error
			if c.code != "" {
				if !errors.As(err, &problem) || problem.Code != c.code {
					t.Fatalf("Parse(%s, %q) = %v, want an error of code %s", c.kind, c.in, err, c.code)
				}
				if in := strings.TrimSpace(c.in); len(in) > 3 && strings.Contains(err.Error(), in) {
					t.Errorf("the error shows the value: %v", err)
				}
				if !strings.Contains(problem.Message, " / ") {
					t.Errorf("the error is not in two languages: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatalf("Parse(%s, %q): %v", c.kind, c.in, err)
			}
			if got := Render(e, v); got != c.want {
				t.Errorf("Parse(%s, %q) = %q, want %q", c.kind, c.in, got, c.want)
			}
			if err := Check(e, v); err != nil {
				t.Errorf("Check(%s, Parse(%q)): %v", c.kind, c.in, err)
			}
		})
	}
}

// TestKinds proves that no kind of the catalogue is without a validator.
func TestKinds(t *testing.T) {
	t.Parallel()
	for kind, e := range elements {
		if e.Type == schemas.String {
			if _, err := Normalise(e, "\x01"); err == nil {
				t.Errorf("kind %s takes control characters", kind)
			}
		}
		if v, err := Parse(e, "  "); err != nil || !v.IsNull() {
			t.Errorf("blank %s is %v, %v, want null", kind, v.Kind(), err)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	long := &schemas.Element{Kind: "text", Type: schemas.String, MaxLength: 2}
	bounded := &schemas.Element{Kind: "amount", Type: schemas.Decimal, Precision: 10, Scale: 2, Min: float(0.1), Max: float(0.3)}
	for _, c := range []struct {
		name string
		e    *schemas.Element
		v    schemas.Value
		code string
	}{
		{"null", elements["uscc"], schemas.Null, ""},
		{"unavailable", elements["uscc"], schemas.Unavailable, ""},
		{"not canonical", elements["id_number"], schemas.Text("53990219850312003x"), CodeForm},
		{"blank", elements["text"], schemas.Text(" "), CodeForm},
		{"not canonical address", elements["address"], schemas.Text("文庙路12号3幢"), CodeForm},
		{"two characters", long, schemas.Text("两字"), ""},
		{"three characters", long, schemas.Text("三个字"), CodeLength},
		{"text as date", elements["date"], schemas.Text("2026-01-31"), CodeType},
		{"number as text", elements["text"], schemas.Int(1), CodeType},
		{"bytes", elements["text"], schemas.Binary("x"), CodeType},
		{"day far away", elements["date"], schemas.Int(1 << 40), CodeDate},
		{"time far away", elements["timestamp"], schemas.Int(1 << 60), CodeDate},
		{"boolean 2", elements["boolean"], schemas.Int(2), CodeSet},
		{"least", bounded, schemas.Int(10), ""},
		{"below", bounded, schemas.Int(9), CodeRange},
		{"greatest", bounded, schemas.Int(30), ""},
		{"above", bounded, schemas.Int(31), CodeRange},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := Check(c.e, c.v)
			var problem *Error
			if c.code == "" && err != nil || c.code != "" && (!errors.As(err, &problem) || problem.Code != c.code) {
				t.Errorf("Check = %v, want code %q", err, c.code)
			}
		})
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	v, err := Canonical(elements["address"], schemas.Text("文庙路１２号３幢"))
	if err != nil || v.Str() != "文庙路12号3栋" {
		t.Errorf("Canonical = %q, %v", v.Str(), err)
	}
	if v, err := Canonical(elements["date"], schemas.Text("20260131")); err != nil || !v.Equal(schemas.Day(time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC))) {
		t.Errorf("Canonical of a date as text: %v", err)
	}
	if v, err := Canonical(elements["count"], schemas.Unavailable); err != nil || v.Kind() != schemas.KindUnavailable {
		t.Errorf("Canonical of unavailable: %v", err)
	}
}

// pieces are what hostile and careless input is made of.
var pieces = []string{
	"张", "三", "·", "•", ".", " ", "　", "１", "2", "0", "-", "—", "号", "幢", "栋", "#", "NO.", "十", "百", "零", "室", "单元", "x", "Ｘ", "E", "+", ",", "(", ")", "（",
	"\u200b", "\ufeff", "é", "e\u0301", "\ue81e", "\uf9b4", "\U000E0100", "𠮷", "/", "年", "月", "日", "T", ":", "00:00", "2026", "01", "20260131", "539902198503120013", "91539900MADE00011B", "云Z", "转", "\t", "\u0301", "가", "\u1100\u1161", "¥", "元",
}

// TestStable is the property that makes two departments' values comparable:
// what Parse gives, Render writes and Parse reads back to the same value, and
// Check accepts it.
func TestStable(t *testing.T) {
	t.Parallel()
	kinds := schemas.Kinds()
	text := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 9).Draw(t, "pieces"), "")
	})
	rapid.Check(t, func(rt *rapid.T) {
		stable(rt, elements[rapid.SampledFrom(kinds).Draw(rt, "kind")], text.Draw(rt, "text"))
	})
}

func stable(t interface {
	Helper()
	Fatalf(string, ...any)
}, e *schemas.Element, in string,
) {
	t.Helper()
	v, err := Parse(e, in)
	if err != nil {
		var problem *Error
		if !errors.As(err, &problem) {
			t.Fatalf("Parse(%s, %q): %v is no *Error", e.Kind, in, err)
		}
		return
	}
	if err := Check(e, v); err != nil {
		t.Fatalf("Check(%s, Parse(%q)): %v", e.Kind, in, err)
	}
	text := Render(e, v)
	again, err := Parse(e, text)
	if err != nil || !again.Equal(v) {
		t.Fatalf("Parse(%s, %q) renders as %q, which parses to another value (%v)", e.Kind, in, text, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, p := range pieces {
		f.Add("address", p)
		f.Add("person_name", p)
		f.Add("amount", p)
	}
	f.Fuzz(func(t *testing.T, kind, in string) {
		if e := elements[kind]; e != nil && len(in) < 1000 {
			stable(t, e, in)
		}
	})
}

// TestDecimalExact holds decimals against their text for every scale: no float
// ever comes near them.
func TestDecimalExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		scale := rapid.IntRange(0, 18).Draw(t, "scale")
		n := rapid.Int64Range(-999_999_999_999_999_999, 999_999_999_999_999_999).Draw(t, "unscaled")
		e := &schemas.Element{Kind: "amount", Type: schemas.Decimal, Precision: 18, Scale: scale}
		v, err := Parse(e, schemas.FormatDecimal(n, scale))
		if err != nil || v.Int64() != n {
			t.Fatalf("%d of scale %d became %d, %v", n, scale, v.Int64(), err)
		}
	})
}

func ExampleParse() {
	e := &schemas.Element{Kind: "address", Type: schemas.String}
	police, _ := Parse(e, "云岭市岭东区文庙路１２号 3幢")
	housing, _ := Parse(e, "云岭市岭东区文庙路十二号3栋")
	fmt.Println(police.Equal(housing), Render(e, police))
	// Output: true 云岭市岭东区文庙路12号3栋
}
