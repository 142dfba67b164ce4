package contract

// The labels under which keyed digests and tokens are made: who compares one must
// make it under the same. Another label makes of the same value something that
// cannot be told to be of it.
const (
	LabelFinding    = "finding"    // subject and number of a finding
	LabelQuarantine = "quarantine" // what was rejected
	LabelBudget     = "budget"     // counter of verifications
	LabelQuota      = "quota"      // counter of a grant's quota
	LabelPosition   = "connectors.position"
	LabelResync     = "connectors.resync"
	LabelMissed     = "connectors.missed" // rows of which a version was refused
	LabelFile       = "file"              // content of a delivered file
	LabelFileName   = "file name"         // its name
	LabelPush       = "push"              // body and idempotency key of a push
)

// KeyLabel is that of the tokens which are record keys of a view for an audience,
// which is the view itself where it names none.
func KeyLabel(audience string) string { return "key:" + audience }

// VerifyLabel is that of the digests in one field of a view for verification.
func VerifyLabel(view, field string) string { return "verify:" + view + ":" + field }

// CacheLabel is that of the keys under which the cache holds a view's records.
func CacheLabel(view string) string { return "cache:" + view }

// AuditLabel is that of what the audit keeps of whom a question was about, so that
// one question finds every view they were seen in.
func AuditLabel(owner string) string { return "audit:" + owner }

// RefusedRowLabel is that of the digests by which Refused names rows of a dataset.
func RefusedRowLabel(dataset string) string { return "refused.row:" + dataset }

// QuarantineRowLabel is that under which the key of a row of a dataset is sealed in the
// topic quarantine.
func QuarantineRowLabel(dataset string) string { return "quarantine.row:" + dataset }

// RefusedSubjectLabel is that of the digests by which Refused names whom a row speaks
// about.
func RefusedSubjectLabel(entity string) string { return "refused.subject:" + entity }
