package registry

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
)

// TestReferences: a schema may use types that other subjects define. It is judged with
// them, kept with them, and they cannot be deleted under it.
func TestReferences(t *testing.T) {
	t.Parallel()
	log := newLog()
	r := open(t, log)
	url := serve(t, r)
	client, err := sr.NewClient(sr.URLs(url))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	create := func(subject, text string, refs ...sr.SchemaReference) sr.SubjectSchema {
		t.Helper()
		made, err := client.CreateSchema(ctx, subject, sr.Schema{Schema: text, References: refs})
		if err != nil {
			t.Fatalf("%s: %v", subject, err)
		}
		return made
	}
	const person = `{"type":"record","name":"Person","namespace":"city","fields":[{"name":"home","type":"city.Address"},{"name":"work","type":["null","city.Address"],"default":null}]}`
	create("address", `{"type":"record","name":"Address","namespace":"city","fields":[{"name":"street","type":"city.Street"}]}`, sr.SchemaReference{Name: "city.Street", Subject: create("street", `{"type":"enum","name":"Street","namespace":"city","symbols":["A"]}`).Subject, Version: 1})
	address := sr.SchemaReference{Name: "city.Address", Subject: "address", Version: -1} // the latest
	made := create("person", person, address)
	if len(made.References) != 1 || made.References[0].Version != 1 {
		t.Errorf("references of what was made: %+v", made.References)
	}
	for name, get := range map[string]func() (sr.Schema, error){
		"by id":      func() (sr.Schema, error) { return client.SchemaByID(ctx, made.ID) },
		"by version": func() (sr.Schema, error) { s, err := client.SchemaByVersion(ctx, "person", 1); return s.Schema, err },
		"looked up": func() (sr.Schema, error) {
			s, err := client.LookupSchema(ctx, "person", sr.Schema{Schema: person, References: []sr.SchemaReference{address}})
			return s.Schema, err
		},
	} {
		if got, err := get(); err != nil || len(got.References) != 1 || got.References[0] != made.References[0] {
			t.Errorf("%s: %+v, %v", name, got.References, err)
		}
	}
	if again := create("person", person, address); again.ID != made.ID || again.Version != 1 {
		t.Errorf("the same again: %d, version %d", again.ID, again.Version)
	}
	const refs = `,"references":[{"name":"city.Address","subject":"address","version":%s}]}`
	with := func(version string) string { return strings.TrimSuffix(post(person), "}") + fmt.Sprintf(refs, version) }
	for i, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/subjects/other/versions", post(person), 422, `city.Address is not defined`},
		{"POST", "/subjects/other/versions", with("2"), 422, `references[0]`},
		{"POST", "/subjects/other/versions", with(`1,"more":1`), 422, `references[0]`},
		{"POST", "/subjects/raw.GA01-value/versions", with("1"), 422, `references`},
		{"POST", "/subjects/person", post(person), 422, `city.Address is not defined`},
		{"GET", "/subjects/address/versions/1/referencedby", "", 200, fmt.Sprintf("[%d]", made.ID)},
		{"GET", "/subjects/street/versions/latest/referencedby", "", 200, `[2]`},
		{"DELETE", "/subjects/address", "", 422, `42206`},
		{"DELETE", "/subjects/street/versions/1", "", 422, `42206`},
		// An enum that loses nothing, in a new version; those who refer to the first are not changed by it.
		{"POST", "/subjects/street/versions", post(`{"type":"enum","name":"Street","namespace":"city","symbols":["A","B"]}`), 200, `"version":2`},
		{"DELETE", "/subjects/street/versions/2", "", 200, `2`},
		{"DELETE", "/subjects/person", "", 200, `[1]`},
		{"GET", "/subjects/address/versions/1/referencedby", "", 200, `[]`},
		{"GET", "/subjects/address/versions/1/referencedby?deleted=true", "", 200, fmt.Sprintf("[%d]", made.ID)},
		{"DELETE", "/subjects/address", "", 200, `[1]`},
		{"DELETE", "/subjects/address?permanent=true", "", 422, `42206`},
		{"POST", "/subjects/late/versions", with("1"), 422, `references[0]`},
		{"GET", fmt.Sprintf("/schemas/ids/%d", made.ID), "", 200, `"references":[{"name":"city.Address"`},
		{"DELETE", "/subjects/person?permanent=true", "", 200, `[1]`},
		{"DELETE", "/subjects/address?permanent=true", "", 200, `[1]`},
		{"POST", "/subjects/person/versions", with("-1"), 422, `references[0]`},
	} {
		if status, got := call(t, url, c.method, c.path, c.body); status != c.status || !strings.Contains(got, c.want) {
			t.Fatalf("%d: %s %s = %d %s, want %d with %s", i, c.method, c.path, status, got, c.status, c.want)
		}
	}
}

// TestReferencesEvolve: what is referred to counts when versions are compared, and is
// there after a restart.
func TestReferencesEvolve(t *testing.T) {
	t.Parallel()
	log := newLog()
	r := open(t, log)
	url := serve(t, r)
	const holder = `{"type":"record","name":"H","fields":[{"name":"s","type":"S"}]}`
	with := func(version int) string {
		return strings.TrimSuffix(post(holder), "}") + fmt.Sprintf(`,"references":[{"name":"S","subject":"s","version":%d}]}`, version)
	}
	ask := func(url, method, path, body string, status int, want string) {
		t.Helper()
		if got, text := call(t, url, method, path, body); got != status || !strings.Contains(text, want) {
			t.Fatalf("%s %s %s = %d %s, want %d with %s", method, path, body, got, text, status, want)
		}
	}
	ask(url, "PUT", "/config/s", `{"compatibility":"NONE"}`, 200, "")
	for i, symbols := range []string{`"a","b"`, `"a","b","c"`, `"a"`} {
		ask(url, "POST", "/subjects/s/versions", post(`{"type":"enum","name":"S","symbols":[`+symbols+`]}`), 200, fmt.Sprintf(`"version":%d`, i+1))
	}
	ask(url, "POST", "/subjects/h/versions", with(1), 200, `"version":1`)
	ask(url, "POST", "/compatibility/subjects/h/versions/latest", with(2), 200, `{"is_compatible":true}`)
	ask(url, "POST", "/compatibility/subjects/h/versions/latest?verbose=true", with(3), 200, `{"is_compatible":false`)
	ask(url, "POST", "/subjects/h/versions", with(3), 409, `H.s`)
	ask(url, "POST", "/subjects/h/versions", with(2), 200, `"version":2`) // the same text is another schema
	again := serve(t, open(t, log))
	ask(again, "GET", "/subjects/h/versions/2", "", 200, `"references":[{"name":"S","subject":"s","version":2}]`)
	ask(again, "POST", "/subjects/h", with(1), 200, `"version":1`)
	ask(again, "POST", "/subjects/h/versions", with(3), 409, `H.s`)
}
