package settings

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/viper"

	"github.com/yiyuan-bus/yiyuan/schemas/document"
)

// Load reads defaults, then the file (if any), then YIYUAN_* variables,
// each overriding the one before. A key that nothing knows is an error. A
// variable that is set and empty counts: it empties a text or a list. Roles, if any are
// given, are those of the process whatever the file says: what only others need is not
// looked at.
func Load(file string, roles ...string) (Config, error) {
	cfg := Default()
	v := viper.NewWithOptions(viper.ExperimentalBindStruct())
	v.SetEnvPrefix("YIYUAN")
	v.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	v.AllowEmptyEnv(true)
	for _, key := range AllKeys() { // viper forgets the environment of keys it has not been told of
		if err := v.BindEnv(key); err != nil {
			return cfg, fmt.Errorf("bind %q to the environment: %w", key, err)
		}
	}
	var text []byte
	if file != "" {
		var err error
		if text, err = readConfigFile(file); err != nil {
			return cfg, err
		}
		// Not by the parser that has looked at the places: within {} it takes the host:port of a list for a mapping.
		v.SetConfigType("yaml")
		if err := v.ReadConfig(bytes.NewReader(text)); err != nil {
			return cfg, fmt.Errorf("配置文件读不了 / read configuration %q: %w", file, err)
		}
	}
	if err := UnknownEnvironment(os.Environ()); err != nil {
		return cfg, err
	}
	strict := func(d *mapstructure.DecoderConfig) { d.ErrorUnused = true }
	if err := v.Unmarshal(&cfg, strict); err != nil {
		return cfg, fmt.Errorf("配置项的值有误，可用的项和写法见 deploy/yiyuan.yaml / decode configuration %q, see deploy/yiyuan.yaml: %w", file, err)
	}
	if len(roles) > 0 {
		cfg.Roles = roles
	}
	err := cfg.Resolve()
	if wrong := (*keyError)(nil); errors.As(err, &wrong) && file != "" {
		err = placed(wrong, file, text)
	}
	return cfg, err
}

// readConfigFile returns the text of a configuration file that holds.
func readConfigFile(file string) ([]byte, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("没有这个配置文件：核对 --config，新的城市由 yiyuan init DIR 生成 / there is no such configuration file: look at --config, yiyuan init DIR makes a new city with one: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("配置文件读不了 / read configuration: %w", err)
	}
	text, err := document.One(b)
	if err != nil {
		return nil, document.In(file, "配置文件有误", "malformed configuration", err)
	}
	return text, checkConfigFile(file, text)
}

// checkConfigFile refuses what viper would read past or read wrongly: a key that
// nothing knows or that is not in lower case, a duration without its unit, a
// secret in clear. All problems are reported, each with its place.
func checkConfigFile(file string, text []byte) error {
	doc, err := parser.ParseBytes(text, 0)
	if err != nil {
		return document.In(file, "配置文件不是合法的 YAML", "not valid YAML", err)
	}
	leaves, sections := leaves(), map[string]bool{}
	for key := range leaves {
		for i, r := range key {
			if r == '.' {
				sections[key[:i]] = true
			}
		}
	}
	var problems []error
	var walk func(n ast.Node, prefix string)
	walk = func(n ast.Node, prefix string) {
		fail := func(at ast.Node, format string, args ...any) {
			p := at.GetToken().Position
			problems = append(problems, fmt.Errorf("%s:%d:%d: %w", file, p.Line, p.Column, fmt.Errorf(format, args...)))
		}
		if n == nil || n.Type() == ast.NullType {
			return
		}
		m, ok := n.(ast.MapNode)
		if !ok {
			fail(n, "%s 应是一组配置项（键：值） / must hold keys with values", cmp.Or(strings.TrimSuffix(prefix, "."), "配置文件 / the file"))
			return
		}
		for it := m.MapRange(); it.Next(); {
			name := it.Key().GetToken().Value
			key := prefix + name
			kind, leaf := leaves[key]
			switch {
			case strings.Contains(name, "."):
				fail(it.Key(), "不认识的配置项 / unknown key %q: 请逐级缩进，不要用点 / nest keys, do not join them by dots", key)
			case sections[key]:
				walk(it.Value(), key+".")
			case !leaf:
				fail(it.Key(), "不认识的配置项 / unknown key %q%s", key, Nearest(key, slices.Concat(AllKeys(), slices.Sorted(maps.Keys(sections)))))
			case kind == reflect.TypeFor[time.Duration]() && it.Value().Type() == ast.IntegerType && it.Value().GetToken().Value != "0":
				fail(it.Value(), "%s 缺少单位，如 100ms、10s / needs a unit, such as 100ms, 10s", key)
			case it.Value().Type() == ast.NullType: // as if it were not there
			case kind == reflect.TypeFor[time.Duration]() && it.Value().Type() != ast.StringType && it.Value().GetToken().Value != "0":
				fail(it.Value(), "%s 应是时长，如 100ms、10s / must be a duration, such as 100ms, 10s", key)
			case kind != reflect.TypeFor[time.Duration]() && slices.Contains([]reflect.Kind{reflect.Int, reflect.Int64}, kind.Kind()) && !whole(it.Value()):
				fail(it.Value(), "%s 应是整数，只用数字书写 / must be a whole number, in plain digits", key)
			case kind.Kind() == reflect.Bool && it.Value().Type() != ast.BoolType:
				fail(it.Value(), "%s 只能是 true 或 false / must be true or false", key)
			case inClear(key, it.Value()):
				fail(it.Value(), "%s: 口令不能写在配置文件里，请用 env:NAME 或 file:/路径 / a secret must not stand in the file, use env:NAME or file:/path", key)
			}
		}
	}
	for _, d := range doc.Docs {
		walk(d.Body, "")
	}
	return errors.Join(problems...)
}

// inClear reports a secret that is written out where a reference belongs.
func inClear(key string, value ast.Node) bool {
	text := value.GetToken().Value
	if value.Type() != ast.StringType || text == "" || strings.HasPrefix(text, "env:") || strings.HasPrefix(text, "file:") {
		return false
	}
	switch key {
	case "bus.sasl.password", "gateway.sentinel.password":
		return true
	case "gateway.redis":
		u, err := url.Parse(text)
		if err != nil {
			return true // it might hold one: parseRedis says what is wrong when it stands elsewhere
		}
		_, has := u.User.Password()
		return has
	}
	return false
}

func whole(n ast.Node) bool {
	_, ok := document.Whole(n)
	return ok
}
