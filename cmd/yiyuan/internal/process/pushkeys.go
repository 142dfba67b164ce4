package process

import (
	"context"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/yiyuan-bus/yiyuan/connectors/push"
	"github.com/yiyuan-bus/yiyuan/schemas/document"
	"github.com/yiyuan-bus/yiyuan/schemas/watched"
)

// CheckPushKeys reads the file of push.keys as the connectors do at their start.
func CheckPushKeys(path string) error {
	may, err := OpenPushKeys(path)
	if err == nil {
		_, err = push.NewServer(push.Config{Keys: may.Keys})
	}
	return err
}

// PushAccess is which department may push with which key.
type PushAccess struct {
	Keys []push.Key
	path string
	file *watched.File // nil: the keys stay as they are
}

// OpenPushKeys reads the file of push.keys; without one nobody may push.
func OpenPushKeys(path string) (PushAccess, error) {
	if path == "" {
		return PushAccess{}, nil
	}
	file, text, err := watched.Open(path, maxPushKeys)
	if err != nil {
		return PushAccess{}, fmt.Errorf("推送密钥文件读不了 / read push keys: %w", err)
	}
	keys, err := parsePushKeys(path, text)
	return PushAccess{keys, path, file}, err
}

func (a *Process) followPushKeys(ctx context.Context, p PushAccess, server *push.Server) {
	if p.file == nil {
		return
	}
	a.follow(ctx, "push.keys", p.file, func(text []byte) error {
		keys, err := parsePushKeys(p.path, text)
		if err != nil {
			return err
		}
		return server.SetKeys(keys)
	})
}

func parsePushKeys(path string, text []byte) ([]push.Key, error) {
	var doc struct {
		Keys *[]struct {
			Department string `yaml:"department"`
			Digest     string `yaml:"digest"`
		} `yaml:"keys"`
	}
	text, err := document.One(text)
	if err != nil {
		return nil, document.In(path, "推送密钥文件有误", "malformed push keys", err)
	}
	if err := yaml.UnmarshalWithOptions(text, &doc, yaml.Strict()); err != nil {
		return nil, document.In(path, "推送密钥文件有误", "malformed push keys", err)
	}
	if doc.Keys == nil { // emptied, or not written yet
		return nil, fmt.Errorf("%s: 没有 keys；谁都不许推送时写 keys: [] / it has no keys: write keys: [] if nobody may push", path)
	}
	out := make([]push.Key, len(*doc.Keys))
	for i, k := range *doc.Keys {
		out[i] = push.Key{Department: k.Department, Digest: strings.TrimPrefix(k.Digest, "sha256:")}
	}
	return out, nil
}
