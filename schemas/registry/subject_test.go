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
		"claims.person-value": "", "findings-value": "", "city.audit-value": "", "refused-value": "", "state.resolve-value": "",
	} {
		if got := o.level(subject); got != level {
			t.Errorf("%s starts at %q, want %q", subject, got, level)
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

// TestOwnSubjectsAreKept: nobody deletes for good what the bus's own records were
// written under; the audit is one of its topics like the rows.
func TestOwnSubjectsAreKept(t *testing.T) {
	t.Parallel()
	r := open(t, newLog())
	for _, topic := range []contract.Topic{contract.Audit, contract.Refused, contract.Quarantine, contract.Findings, contract.Raw("GA01"), contract.Claims("person"), contract.Resolved("person"), contract.Shared("person.open"), "city.audit"} {
		subject := topic.Subject()
		if _, err := r.Register(t.Context(), subject, schemaOf("R")); err != nil {
			t.Fatal(err)
		}
		if _, err := r.deleteSubject(t.Context(), subject, false); err != nil {
			t.Fatal(err)
		}
		if _, err := r.deleteSubject(t.Context(), subject, true); !errors.Is(err, errInUse) {
			t.Errorf("%s deleted for good: %v", subject, err)
		}
		if _, err := r.deleteVersion(t.Context(), subject, "1", true); !errors.Is(err, errInUse) {
			t.Errorf("version of %s deleted for good: %v", subject, err)
		}
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
