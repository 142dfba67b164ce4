package manifest

import (
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// aged is the small city a version of the authority table later: a golden field has come,
// one and a dataset and a field of another have gone, of all of which version 1 speaks
// as they were.
func aged(t testing.TB) fstest.MapFS {
	t.Helper()
	m := small(t)
	edit(t, m, "entities/person.yaml", "  - {name: LXDH, title: 备注, element: text}\n", "  - {name: BZ, title: 新来的, element: text}\n")
	edit(t, m, "entities/person.yaml", "      HJDZ: [{dataset: GA01, where:", "      HJDZ: [{dataset: GA99, role: gone}, {dataset: GA01, pick: latest GONE}, {dataset: GA01, where:")
	edit(t, m, "entities/person.yaml", "        - {dataset: MZ01, role: spouse1, pick: latest LHRQ|DJRQ}\n", "        - {dataset: MZ01, role: witness, pick: latest LHRQ|DJRQ}\n")
	edit(t, m, "entities/person.yaml", "views:\n", `  - version: 2
    effective: 2026-07-01
    sources:
      identity: [{dataset: GA01}]
      HJDZ: [{dataset: GA01}]
      HYZKDM: [{dataset: GA01}]
      BZ: []
views:
`)
	return m
}

// TestOlderAuthorityIsHistory: an older version neither needs what has come since nor
// loses, with what is gone, what else it says.
func TestOlderAuthorityIsHistory(t *testing.T) {
	t.Parallel()
	c, told, err := Check(aged(t))
	if err != nil {
		t.Fatal(err)
	}
	e, _ := c.Entity("person")
	was := e.Current(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	if got := was.Sources["HJDZ"]; len(got) != 1 || got[0].Dataset != "GA01" || got[0].Rank != 3 {
		t.Errorf("HJDZ comes from %+v, want the third of three", got)
	}
	if got := was.Sources["HYZKDM"]; len(got) != 2 || got[0].Role != "spouse2" || got[0].SameRank || got[0].Rank != 1 || got[1].Rank != 2 {
		t.Errorf("HYZKDM comes from %+v", got)
	}
	if len(was.Sources) != 3 {
		t.Errorf("version 1 decides %v", was.Sources)
	}
	var lines []string
	for _, p := range told {
		if p.Rule == "past-authority" {
			lines = append(lines, p.String())
		}
	}
	all := strings.Join(lines, "\n")
	for _, gone := range []string{"GA99", "GONE", "witness", "LXDH"} {
		if strings.Count(all, `"`+gone+`"`) == 0 {
			t.Errorf("nobody is told that %s is gone:\n%s", gone, all)
		}
	}

	m := aged(t)
	edit(t, m, "entities/person.yaml", "{dataset: GA99, role: gone}", "{dataset: GA99, rule: gone}")
	edit(t, m, "entities/person.yaml", "      BZ: []\n", "      BZ: [{dataset: GA98}]\n")
	_, _, err = Check(m)
	for _, wrong := range []string{`"rule"`, `"GA98"`} {
		if err == nil || !strings.Contains(err.Error(), wrong) {
			t.Errorf("%s is taken: %v", wrong, err)
		}
	}
}

// TestWritten: what a version says does not change with how it is laid out, nor with what
// is there of what it names.
func TestWritten(t *testing.T) {
	t.Parallel()
	written := func(m fstest.MapFS) any {
		c := load(t, m)
		e, _ := c.Entity("person")
		return e.Authority[0].Written
	}
	m := small(t)
	edit(t, m, "entities/person.yaml", "      identity: [{dataset: GA01}]\n", "      # as before\n      identity:\n        - dataset: 'GA01'\n          same_rank: false\n          pick: newest\n")
	if got, want := written(m), written(small(t)); !reflect.DeepEqual(got, want) {
		t.Errorf("written\n%v, want\n%v", got, want)
	}
	edit(t, m, "entities/person.yaml", "flag: 非权威", "flag: 参考")
	if reflect.DeepEqual(written(m), written(small(t))) {
		t.Error("another flag is written the same")
	}
}
