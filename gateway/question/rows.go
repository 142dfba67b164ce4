package question

import (
	"slices"

	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Department is that of who asks, "" of nobody.
func (a *Ask) Department() string { return a.entry.Department }

// App is who asks, "" of nobody.
func (a *Ask) App() string { return a.entry.App }

// RowKey returns the key of a row that is named by it, sealed, if who asks may see it for
// the purpose that it says; "" if not, or if it cannot be read. Whom it names is in the
// entry of the question then.
func (a *Ask) RowKey(d *schemas.Dataset, sealed string) string {
	if sealed == "" || a.call.Purpose == "" {
		return ""
	}
	shown := a.d.Access.KeyView(a.who, a.call.Purpose, d, a.begin)
	if shown == nil || a.d.Views[shown.ID] == nil {
		return ""
	}
	key, err := a.d.Keys.Unseal(contract.QuarantineRowLabel(d.ID), sealed)
	if err != nil {
		return "" // sealed under a key that the ring has no more: the token still names the row
	}
	for _, digest := range a.d.Views[shown.ID].AuditDigests(key) {
		if !slices.ContainsFunc(a.entry.Subjects, func(s audit.Subject) bool { return s.Digest == digest }) {
			a.entry.Subjects = append(a.entry.Subjects, audit.Subject{Digest: digest, Found: true})
		}
	}
	for _, name := range d.Key {
		if !slices.Contains(a.entry.Fields, name) {
			a.entry.Fields = append(a.entry.Fields, name)
		}
	}
	a.entry.Rows++
	return key
}
