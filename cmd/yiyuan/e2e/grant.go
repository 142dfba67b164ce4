package e2e

import (
	"fmt"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
)

// Granted is an application that may see the view person.partial.
func Granted(id, key string, quota int) map[string]any {
	grant := map[string]any{"view": "person.partial", "fields": []string{access.AllFields}, "purposes": []string{"DBHD"}}
	if quota > 0 {
		grant["quota"] = quota
	}
	return map[string]any{"id": id, "title": "低保核对", "department": "MZ", "key_digest": fmt.Sprintf("sha256:%x", access.DigestKey(key)), "grants": []any{grant}}
}
