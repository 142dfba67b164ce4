package process

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/gateway/redis"
)

// TestWhyThereIsNoCache: a server that answers, and is refused for what it is, is not
// called one that cannot be reached.
func TestWhyThereIsNoCache(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"哨兵所指的主库其实是从库":                          fmt.Errorf("open redis: %w", redis.ErrReplica),
		"哨兵有应答，但不认识":                            fmt.Errorf("open redis: %w", redis.ErrNoMaster),
		"缓存 Redis 会淘汰键":                         fmt.Errorf("open redis: %w", redis.ErrEvicts),
		"gateway.redis: Redis 中 y:* 这些键是另一条总线的": fmt.Errorf("open redis: %w", &redis.OtherError{Pattern: "y:*", Theirs: "aa", Ours: "bb"}),
		"连不上 Redis":                             errors.New("dial tcp: connection refused"),
	} {
		if got := cannotOpen(&settings.Gateway{}, err); !strings.HasPrefix(got.Error(), want) || !errors.Is(got, err) {
			t.Errorf("%v is told as %v, want %s", err, got, want)
		}
	}
	err := cannotOpen(&settings.Gateway{Redis: "redis://front:7000/3"}, &redis.OtherError{Pattern: "y-city:*", Theirs: "aa", Ours: "bb"})
	if !settings.Wrong(err) || !strings.Contains(err.Error(), "redis-cli -h front -p 7000 -n 3 --scan --pattern 'y-city:*' | xargs -r redis-cli -h front -p 7000 -n 3 unlink") {
		t.Errorf("another bus's keys: %v", err)
	}
}
