package fault

import "github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"

// kills is how many kills the long run makes; a smoke makes a few.
func kills(few int) int {
	if e2e.Long() {
		return 20
	}
	return few
}
