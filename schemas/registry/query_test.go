package registry

import (
	"strings"
	"testing"
)

// TestQueriesOfClients: what Confluent's clients in Python and Java and franz-go send is
// taken and does what it says.
func TestQueriesOfClients(t *testing.T) {
	t.Parallel()
	url := serve(t, open(t, newLog()))
	schema := post(`{"type":"record","name":"U","fields":[{"name":"a","type":"string"}]}`)
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "/subjects/a-value/versions?normalize=False", schema, `"id":1`},
		{"POST", "/subjects/a-value/versions?normalize=False&format=", schema, `"id":1`},
		{"POST", "/subjects/b-value/versions?normalize=false", post(`"string"`), `"id":2`},
		{"POST", "/subjects/c-value/versions", post(`"int"`), `"id":3`},
		{"POST", "/subjects/b-value/versions", post(`["string","int"]`), `"id":4`},
		{"POST", "/subjects/a-value?normalize=False&deleted=False", schema, `"version":1`},
		{"POST", "/subjects/a-value?normalize=false&deleted=true", schema, `"version":1`},
		{"POST", "/compatibility/subjects/a-value/versions/latest?normalize=False&verbose=False", schema, `{"is_compatible":true}`},
		{"POST", "/compatibility/subjects/a-value/versions?normalize=false&verbose=TRUE", schema, `{"is_compatible":true}`},
		{"GET", "/subjects?deleted=false&deleted_only=false&offset=0&limit=-1", "", `["a-value","b-value","c-value"]`},
		{"GET", "/subjects?deleted=false&deleted_only=false&offset=1&limit=1&subjectPrefix=", "", `["b-value"]`},
		{"GET", "/subjects?offset=9&limit=1", "", `[]`},
		{"GET", "/subjects/b-value/versions?deleted=false&deleted_only=false&offset=0&limit=-1", "", `[1,2]`},
		{"GET", "/subjects/b-value/versions?deletedOnly=false&offset=1", "", `[2]`},
		{"GET", "/subjects/b-value/versions/latest?deleted=False&format=default", "", `"version":2`},
		{"GET", "/subjects/b-value/versions/1/referencedby?offset=0&limit=-1", "", `[]`},
		{"GET", "/schemas?subjectPrefix=b&deleted=false&latestOnly=true&offset=0&limit=10", "", `[{"subject":"b-value","version":2`},
		{"GET", "/schemas?offset=0&limit=0&aliases=false", "", `[]`},
		{"GET", "/schemas/ids/1?fetchMaxId=true&subject=a-value&format=", "", `"maxId":4`},
		{"GET", "/schemas/ids/1/subjects?offset=0&limit=-1&deleted=False", "", `["a-value"]`},
		{"GET", "/schemas/ids/1/versions?offset=1&limit=-1", "", `[]`},
		{"GET", "/contexts?offset=0&limit=-1", "", `["."]`},
		{"GET", "/contexts?contextPrefix=.x", "", `[]`},
		{"GET", "/config/a-value?defaultToGlobal=True", "", `"BACKWARD"`},
		{"GET", "/mode/a-value?defaultToGlobal=true", "", `"READWRITE"`},
		{"PUT", "/mode?force=False", `{"mode":"READWRITE"}`, `"READWRITE"`},
		{"PUT", "/mode/a-value?force=true", `{"mode":"READWRITE"}`, `"READWRITE"`},
		{"DELETE", "/subjects/c-value?permanent=False", "", `[1]`},
		{"GET", "/subjects?deleted_only=True", "", `["c-value"]`},
		{"GET", "/subjects?deletedOnly=true", "", `["c-value"]`},
		{"GET", "/subjects/c-value/versions?deleted_only=true", "", `[1]`},
		{"DELETE", "/subjects/c-value?permanent=True", "", `[1]`},
		{"GET", "/subjects?deleted=True", "", `["a-value","b-value"]`},
	} {
		if status, got := call(t, url, c.method, c.path, c.body); status != 200 || !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %d %.300s, want %s", c.method, c.path, status, got, c.want)
		}
	}
}
