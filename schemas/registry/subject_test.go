package registry

import (
	"errors"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// TestOwnSubjects: the bus's own topics are known by their whole names, with the prefix
// that is configured and without; a word of theirs in another's name makes it no subject of ours.
func TestOwnSubjects(t *testing.T) {
	t.Parallel()
	o := own{"city."}
	for subject, level := range map[string]string{
		"raw.GA01-value": "BACKWARD_TRANSITIVE", "city.raw.GA01-value": "BACKWARD_TRANSITIVE",
		"resolved.person-value": "FULL_TRANSITIVE", "city.shared.person.partial-value": "FULL_TRANSITIVE",
		"claims.person-value": "BACKWARD", "findings-value": "BACKWARD", "city.audit-value": "BACKWARD", "refused-value": "BACKWARD", "state.resolve-value": "BACKWARD",
	} {
		if got := o.level(subject); got != level {
			t.Errorf("%s is held to %q, want %q", subject, got, level)
		}
		if !o.inUse(subject) {
			t.Errorf("%s is not known as the bus's own", subject)
		}
	}
	for _, subject := range []string{
		"", "rawhide-value", "orders_raw", "orders_raw-value", "insurance-claims", "insurance-claims-value", "shop.raw.orders-value",
		"town.raw.GA01-value", "raw.GA01", "raw.GA01-key", "raw-value", "city.-value", "city.orders-value",
	} {
		if o.inUse(subject) || o.level(subject) != "" {
			t.Errorf("%q is taken for the bus's own", subject)
		}
	}
}

// TestOwnSubjectsAreKept: whoever may write and delete can neither give a subject of the
// bus a schema, nor take one from it, nor have it judged by less, also not by what an
// earlier build let them; the same schema again is taken, as clients register before they write.
func TestOwnSubjectsAreKept(t *testing.T) {
	t.Parallel()
	log := newLog()
	r := open(t, log)
	url := serve(t, r)
	ask := func(method, path, body string, status int, want string) {
		t.Helper()
		if got, text := call(t, url, method, path, body); got != status || !strings.Contains(text, want) {
			t.Errorf("%s %s %s = %d %s, want %d with %s", method, path, body, got, text, status, want)
		}
	}
	const none, refused = `{"compatibility":"NONE"}`, `"error_code":42205`
	ask("PUT", "/config", none, 200, "NONE")
	for topic, level := range map[contract.Topic]string{
		contract.Audit: "BACKWARD", contract.Refused: "BACKWARD", contract.Quarantine: "BACKWARD", contract.Findings: "BACKWARD",
		contract.Raw("GA01"): "BACKWARD_TRANSITIVE", contract.Claims("person"): "BACKWARD", contract.State("route"): "BACKWARD",
		contract.Resolved("person"): "FULL_TRANSITIVE", contract.Shared("person.open"): "FULL_TRANSITIVE", "city.audit": "BACKWARD",
	} {
		subject := topic.Subject()
		register(t, r, subject, schemaOf("R"))
		at, config := "/subjects/"+subject, "/config/"+subject
		ask("POST", at+"/versions", post(schemaOf("R")), 200, `"version":1`)
		ask("POST", at+"/versions", post(schemaOf("R", "XM")), 422, refused)
		ask("POST", at+"/versions", post(schemaOf("R", "XM")), 422, "registered by the bus")
		ask("POST", "/subjects/"+subject[1:]+"/versions", post(schemaOf("R", "XM")), 200, `"version":1`)
		for _, permanent := range []string{"", "?permanent=true"} {
			ask("DELETE", at+permanent, "", 422, refused)
			ask("DELETE", at+"/versions/1"+permanent, "", 422, refused)
			ask("DELETE", at+"/versions/latest"+permanent, "", 422, refused)
		}
		ask("PUT", config, none, 422, refused)
		ask("PUT", config, `{"compatibility":"FORWARD_TRANSITIVE"}`, 422, "its level is "+level)
		ask("PUT", config, `{"compatibility":"`+level+`"}`, 200, level)
		ask("DELETE", config, "", 422, refused)
		if err := r.setLevel(t.Context(), subject, "NONE"); err != nil { // as an earlier build did
			t.Fatal(err)
		}
		ask("GET", config, "", 200, `{"compatibilityLevel":"`+level+`"}`)
		ask("GET", config+"?defaultToGlobal=true", "", 200, `{"compatibilityLevel":"`+level+`"}`)
		if _, err := r.Register(t.Context(), subject, `{"type":"record","name":"R","fields":[{"name":"zz","type":"int"}]}`); !errors.Is(err, codec.ErrIncompatible) {
			t.Errorf("%s: the bus itself is judged by less: %v", subject, err)
		}
		ask("GET", at+"/versions", "", 200, "[1]")
	}
}

// TestRetire: a version that stands in the way of the bus's own is named, and taken out of
// use by whoever stands at the bus; what was written under it is still read, and others'
// subjects are not touched.
func TestRetire(t *testing.T) {
	t.Parallel()
	log := newLog()
	r := open(t, log)
	const subject = "raw.GA01-value"
	first, next := register(t, r, subject, schemaOf("GA01")), schemaOf("GA01", "XM")
	foreign := `{"type":"record","name":"R","fields":[{"name":"zz","type":"int"}]}`
	if err := r.commit(t.Context(), schemaKey(subject, 2), encode(schemaValue{Subject: subject, Version: 2, ID: 2, Schema: foreign})); err != nil {
		t.Fatal(err)
	}
	_, err := r.Register(t.Context(), subject, next)
	if !errors.Is(err, codec.ErrIncompatible) || !strings.Contains(err.Error(), "yiyuan registry retire raw.GA01-value 2 --yes") || !strings.Contains(err.Error(), "版本 2") {
		t.Fatalf("refused with %v", err)
	}
	// Who refers to it does not keep it: that is another way to stop the bus.
	call(t, serve(t, r), "POST", "/subjects/theirs-value/versions", strings.TrimSuffix(post(`{"type":"record","name":"H","fields":[{"name":"r","type":"R"}]}`), "}")+`,"references":[{"name":"R","subject":"raw.GA01-value","version":2}]}`)
	for _, none := range []struct {
		subject string
		version int
	}{{subject, 3}, {"raw.GA02-value", 1}, {"theirs-value", 1}} {
		if err := r.Retire(t.Context(), none.subject, none.version, next); !errors.Is(err, ErrNotFound) {
			t.Errorf("%v retired: %v", none, err)
		}
	}
	// What the bus itself wrote stays, as it is now and as it was; so does all where it writes nothing.
	for version, written := range map[int]string{1: next, 2: ""} {
		if err := r.Retire(t.Context(), subject, version, written); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "stays in use") || !strings.Contains(err.Error(), "不停用") {
			t.Errorf("version %d is retired: %v", version, err)
		}
	}
	if err := r.Retire(t.Context(), subject, 1, schemaOf("GA01")); !errors.Is(err, ErrInUse) {
		t.Errorf("what the bus writes is retired: %v", err)
	}
	if err := r.Retire(t.Context(), subject, 2, next); err != nil {
		t.Fatal(err)
	}
	again := open(t, log)
	if id := register(t, again, subject, schemaOf("GA01")); id != first {
		t.Errorf("the bus's own has the id %d, want %d", id, first)
	}
	register(t, again, subject, next)
	if text, err := again.Schema(t.Context(), 2); err != nil || text != foreign {
		t.Errorf("what was written under it is not read any more: %q, %v", text, err)
	}
}

// TestRefusedForTheName: what the profile refuses says that the subject's name is why.
func TestRefusedForTheName(t *testing.T) {
	t.Parallel()
	r := open(t, newLog())
	_, err := r.Register(t.Context(), "raw.GA01-value", `"string"`)
	if !errors.Is(err, codec.ErrProfile) || !strings.Contains(err.Error(), "by its name the subject is of the bus's own topics (raw.*)") || !strings.Contains(err.Error(), "总线自己的主题（raw.*）") {
		t.Errorf("refused with %v", err)
	}
	if _, err := r.Register(t.Context(), "shop.raw.orders-value", `"string"`); err != nil {
		t.Error(err)
	}
}
