package grants

import "github.com/yiyuan-bus/yiyuan/gateway/access"

// ParseTwice parses a file that was another one before.
func ParseTwice(before, file string) ([]access.Application, error) {
	var p parser
	if _, err := p.parse([]byte(before)); err != nil {
		return nil, err
	}
	return p.parse([]byte(file))
}
