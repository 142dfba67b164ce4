package element

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// What a source wrote is kept but for what nobody wrote; its normal form is what
// Parse gives. Numbers with one written form are stored in it.
func TestTake(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ kind, in, kept, normal string }{
		{"org_name", "云岭市（岭东）商贸有限公司", "云岭市（岭东）商贸有限公司", "云岭市(岭东)商贸有限公司"},
		{"org_name", " \u3000云岭Ａ公司\u200b\n", "云岭Ａ公司", "云岭A公司"},
		{"org_name", "云岭 (岭东) 公司", "云岭 (岭东) 公司", "云岭(岭东)公司"},
		{"person_name", "张 三", "张 三", "张三"},
		{"person_name", "买买提•阿卜杜拉", "买买提•阿卜杜拉", "买买提·阿卜杜拉"},
		{"person_name", "李\ue81e", "李\u9fb4", "李\u9fb4"}, // the same character, where Unicode has it
		{"person_name", "\uf9b4木", "\u9818木", "\u9818木"}, // NFC
		{"person_name", "e\u0301tienne", "\u00e9tienne", "\u00e9tienne"},
		{"address", "云岭市岭东区东关街道１号", "云岭市岭东区东关街道１号", "云岭市岭东区东关街道1号"},
		{"address", "东关街道 二号楼，301室", "东关街道 二号楼，301室", "东关街道2号楼301室"},
		{"identifier", "云岭许字〔2026〕第０１号", "云岭许字〔2026〕第０１号", "云岭许字〔2026〕第01号"},
		{"identifier", "ab-12", "ab-12", "AB-12"},
		{"text", "食品销售；餐饮服务（凭许可证经营）２０２６", "食品销售；餐饮服务（凭许可证经营）２０２６", "食品销售；餐饮服务（凭许可证经营）2026"},
		{"text", " a\u3000b ", "a\u3000b", "a b"},
		{"id_number", "５３９９０２19850312003x", "53990219850312003X", "53990219850312003X"},
		{"uscc", "91539900-made0001-1b", "91539900MADE00011B", "91539900MADE00011B"},
		{"plate", "云z·12345", "云Z12345", "云Z12345"},
		{"phone", "+86 138-0000-1111", "13800001111", "13800001111"},
		{"code", "1", "01", "01"},
		{"org_name", "\u3000", "", ""},
	} {
		e := elements[c.kind]
		kept, err := Take(e, c.in)
		if err != nil || kept.Str() != c.kept {
			t.Errorf("Take %s %q = %q, %v, want %q", c.kind, c.in, kept.Str(), err, c.kept)
		}
		if got := Normal(e, kept).Str(); got != c.normal {
			t.Errorf("Normal %s %q = %q, want %q", c.kind, c.kept, got, c.normal)
		}
		again, err := Accept(e, schemas.Text(c.in))
		if err != nil || again.Str() != c.kept {
			t.Errorf("Accept %s %q = %q, %v, want %q", c.kind, c.in, again.Str(), err, c.kept)
		}
	}
}

// For every text: it is taken if and only if Parse takes it, the normal form of
// what is kept is what Parse gives, taking twice changes nothing, and what the
// quick look calls canonical is its own normal form.
func TestTakeProperties(t *testing.T) {
	t.Parallel()
	runes := []rune("云岭市东区公司张三二十0123456789ABEabe（）() 　·•．.-—＃#号栋１２Ａ，、\u200b\u00a0\ue81e\uf9b4\u0301e+幢號零\n\t/〔〕*?")
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]string{"person_name", "org_name", "address", "text", "identifier"}).Draw(t, "kind")
		s := rapid.StringOfN(rapid.SampledFrom(runes), 0, 14, -1).Draw(t, "text")
		e := elements[kind]
		want, wrong := Parse(e, s)
		kept, err := Take(e, s)
		if (err == nil) != (wrong == nil) || kept.IsNull() != want.IsNull() {
			t.Fatalf("Take(%q) = %q, %v; Parse = %q, %v", s, kept.Str(), err, want.Str(), wrong)
		}
		if err != nil {
			return
		}
		if got := Normal(e, kept); !got.Equal(want) {
			t.Fatalf("Normal(Take(%q)) = %q, want %q", s, got.Str(), want.Str())
		}
		if again, err := Accept(e, kept); err != nil || !again.Equal(kept) {
			t.Fatalf("Accept(Take(%q)) = %q, %v, want %q", s, again.Str(), err, kept.Str())
		}
		if canonical(e, s) {
			if n, err := Normalise(e, s); err != nil || n != s {
				t.Fatalf("%q is called canonical and its normal form is %q, %v", s, n, err)
			}
		}
	})
}

func BenchmarkAccept(b *testing.B) {
	for _, c := range []struct{ kind, text string }{{"org_name", "云岭市某某商贸有限公司"}, {"org_name", "云岭市（岭东）商贸有限公司"}, {"person_name", "张三丰"}, {"address", "云岭市岭东区东关街道人民路1号"}, {"identifier", "J5399022026000177"}} {
		e, v := elements[c.kind], schemas.Text(c.text)
		b.Run(c.kind+"/"+c.text, func(b *testing.B) {
			for b.Loop() {
				if _, err := Accept(e, v); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("canonical/"+c.kind+"/"+c.text, func(b *testing.B) {
			for b.Loop() {
				if _, err := Canonical(e, v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
