package access

import "time"

// Reason says in one word why a decision fell. The set is closed: metrics and
// the audit carry it.
type Reason string

// The reasons.
const (
	OK                Reason = "ok"
	NoKey             Reason = "no_key"
	UnknownKey        Reason = "unknown_key"
	ExpiredKey        Reason = "expired_key"
	SeveralApps       Reason = "several_applications" // by the names of a certificate
	NoPurpose         Reason = "no_purpose"
	UnknownPurpose    Reason = "unknown_purpose"
	UnknownView       Reason = "unknown_view"
	NoGrant           Reason = "no_grant"
	PurposeNotGranted Reason = "purpose_not_granted"
	ExpiredGrant      Reason = "expired_grant"
	FieldNotGranted   Reason = "field_not_granted"
	OverQuota         Reason = "over_quota"
	TooMany           Reason = "too_many" // more at once than a quota ever allows
	VerifyOnly        Reason = "verify_only"
	NotVerifiable     Reason = "not_verifiable"
	OverBudget        Reason = "over_budget"
)

// Charge is a grant that an answer would be counted against.
type Charge struct {
	Meter string // what it is counted under
	Quota int    // a minute
}

// Decision is the answer to one question.
type Decision struct {
	Allowed bool
	Reason  Reason
	Fields  []string      // granted and asked for, in the view's order; the answer is built from these alone
	Refused []string      // asked for and not granted
	Most    int           // of TooMany: how many may be asked for at once
	Retry   time.Duration // of OverQuota and OverBudget: when to come again
	// Charges are the ways to pay for the answer, the preferred one first: each
	// is a set of grants that are charged together or not at all. None = free.
	Charges [][]Charge
}

// Question is what a caller wants.
type Question struct {
	View    string
	Purpose string
	Fields  []string // nil = all that is granted
	Verify  bool     // yes or no instead of values
	Records int      // how many records are asked for
}
