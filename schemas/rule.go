package schemas

import "time"

// OwnerProvider is the owner of a case whose work order goes to the department
// that provided the offending row, whichever that is.
const OwnerProvider = "provider"

// Rule is one rules/<id>.yaml: a cross-check of departments' words (互核互校).
type Rule struct {
	ID       string // XV-04
	Title    string
	English  string
	Entity   string
	Severity string // high medium low
	Basis    string
	Advice   string // 处理建议
	Cases    []*Case
	File     string
}

// Case is one way a rule can be broken, with the department that must act.
type Case struct {
	ID       string        // unique in the rule; finding id = digest of rule, case and subject
	Inputs   []string      // "GA01", "SC01/legal_rep" (dataset/role), "golden", "agg.insured": the case is evaluated when one of them changed
	When     string        // CEL, true = contradiction
	Owner    string        // department id
	Evidence []string      // "RS02.DYZTDM", "golden.SWRQ": shown masked
	Settle   time.Duration // must hold this long before the finding opens (absence rules), 0 = at once
	Until    string        // CEL timestamp at which When may become true by time alone; a timer re-evaluates
	Days     int           // working days until due
	Doubts   []string      // of a CodeRule, instead of When: the fields that may hold what Element.Doubts
	// Certainty is how sure the case can be: Contradiction, or ToConfirm where
	// what happened elsewhere, which the city cannot know, may explain it.
	Certainty string
}

// CaseName names a case among those of all rules: XV-04/paid.
func CaseName(rule, id string) string { return rule + "/" + id }

// The certainties of a case.
const (
	Contradiction = "contradiction" // two departments cannot both be right
	ToConfirm     = "to_confirm"    // 待核实: may be lawful, somebody must look
)
