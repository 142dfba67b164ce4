package verification

import (
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// What a condition says of absence is read off its expression: another row of the
// dataset could make it false.
func TestAwaits(t *testing.T) {
	inputs := []string{"GA01", "WJ02", "MZ03", "MZ02", "CL01", "RS02", "MZ01/spouse1", "MZ01/spouse2", "golden"}
	tests := map[string]struct{ when, want string }{
		"exists":                 {`GA01.exists(g, g.ZXBZ == "0")`, ""},
		"some row":               {`size(WJ02) > 0 && GA01.exists(g, true)`, ""},
		"no row":                 {`size(GA01) == 0`, "GA01"},
		"no row, put otherwise":  {`!(size(GA01) > 0) || 1 > size(WJ02)`, "GA01 WJ02"},
		"none that is valid":     {`size(MZ02) > 0 && !CL01.exists(c, c.YXQ >= today)`, "CL01"},
		"all":                    {`GA01.all(g, g.ZXBZ == "0")`, "GA01"},
		"none in any row":        {`!GA01.exists(g, WJ02.exists(w, w.SWRQ > g.CSRQ))`, "GA01 WJ02"},
		"exists none":            {`GA01.exists(g, !WJ02.exists(w, w.SWRQ > g.CSRQ))`, "WJ02"},
		"the latest":             {`latest(MZ03, "SWRQ").SWRQ < now`, "MZ03"},
		"of what is left":        {`size(WJ02.filter(w, w.CXBZ != "1")) > 0`, ""},
		"fewer":                  {`size(WJ02.filter(w, w.CXBZ != "1")) < 2`, "WJ02"},
		"left of what is not in": {`size(WJ02.filter(w, !GA01.exists(g, g.CSRQ == w.SWRQ))) > 0`, "GA01"},
		"together":               {`size(MZ01_spouse1 + MZ01_spouse2) >= 2`, ""},
		"by a name":              {`cel.bind(w, WJ02.filter(r, r.CXBZ != "1"), size(w) > 0)`, ""},
		"one or the other":       {`size(WJ02) > 0 ? true : size(MZ03) > 0`, "WJ02"},
		"exactly one":            {`GA01.exists_one(g, g.ZXBZ == "0")`, "GA01"},
		"mapped":                 {`"1" in WJ02.map(w, w.CXBZ)`, ""},
		"mapped, not in":         {`!("1" in WJ02.map(w, w.CXBZ))`, "WJ02"},
		"a name that hides rows": {`RS02.exists(GA01, GA01.DYZTDM == "1")`, ""},
		"nothing of rows":        {`!id_ok(key) || now > today`, ""},
		"the golden record":      {`golden.SWRQ < now`, "the authority table's"},
		"a method of a list":     {`WJ02.size() > 0`, "WJ02"},
		"equal numbers":          {`size(WJ02) == size(MZ03)`, "MZ03 WJ02"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := with(t, schemas.Case{ID: "c", When: test.when, Inputs: inputs, Owner: "GA"})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, a := range s.Awaits() {
				got = a.Datasets
			}
			if name == "the golden record" {
				if !slices.Contains(got, "WJ02") || !slices.Contains(got, "GA01") {
					t.Errorf("%s waits for %v, want all that the authority table reads", test.when, got)
				}
				return
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("%s waits for %v, want %q", test.when, got, test.want)
			}
		})
	}
}

// Of the sample city's rules those wait that say that something is missing, is the
// latest or is fewer, and no other.
func TestYunlingAwaits(t *testing.T) {
	awaited, err := Awaits(city(t), ring(t))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range awaited {
		got = append(got, a.Rule+"/"+a.Case+" "+strings.Join(a.Datasets, " "))
	}
	want := []string{
		"XV-04/paid MZ03 WJ02", "XV-05/mz02 MZ03 WJ02", "XV-05/yb01 MZ03 WJ02", "XV-08/elsewhere MZ01", "XV-08/marital MZ01", "XV-09/double MZ01",
		"XV-10/unregistered GA01", "XV-12/rs01 RS01 SW02", "XV-12/uninsured RS01 SW02", "XV-12/zj02 SW02 ZJ02", "XV-16/unlisted ZJ01", "XV-17/absent GA01 GA02",
		"XV-19/dead MZ03 WJ02", "XV-19/expired CL01", "XV-20/book MZ03 WJ02", "XV-20/register GA01 MZ03 WJ02",
	}
	if !slices.Equal(got, want) {
		t.Errorf("these cases wait:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
