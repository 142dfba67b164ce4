package connectors

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Size is an option counted in bytes: 1048576, "1MiB", "512KiB", "2GiB".
type Size int64

// Secret is an option that must not stand in a configuration file: the file
// says env:NAME or file:PATH. It never prints what it holds.
type Secret struct{ text string }

// NewSecret wraps a secret that is already at hand, for wiring and tests.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return s.text }

// String, Format and LogValue hide the secret.
func (s Secret) String() string { return "[secret]" }

// GoString implements fmt.GoStringer.
func (s Secret) GoString() string { return "[secret]" }

// Format implements fmt.Formatter.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[secret]")) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// ResolveSecret reads an env:NAME or file:PATH reference.
func ResolveSecret(reference string) (Secret, error) {
	if name, ok := strings.CutPrefix(reference, "env:"); ok {
		if v, set := os.LookupEnv(name); set {
			return Secret{v}, nil
		}
		return Secret{}, fmt.Errorf("环境变量未设置 / resolve secret: environment variable %q is not set: %w", name, ErrConfig)
	}
	if path, ok := strings.CutPrefix(reference, "file:"); ok {
		b, err := os.ReadFile(path)
		if err != nil {
			return Secret{}, fmt.Errorf("resolve secret: %w: %w", err, ErrConfig)
		}
		return Secret{strings.TrimRight(string(b), "\r\n")}, nil
	}
	return Secret{}, fmt.Errorf("须写 env:变量名 或 file:路径，不要直接写口令 / resolve secret: want env:NAME or file:PATH, not the secret itself: %w", ErrConfig)
}

// Decode reads the connector's options into a struct whose fields carry the
// tag `option:"name"` or `option:"name,required"`. Values already in the struct
// are the defaults. All problems are reported together, each an ErrConfig; an
// unknown option is one, with the nearest name.
func (c Config) Decode(into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("decode options of source %q: want a pointer to a struct, not %T", c.Name, into)
	}
	if err := decodeStruct(c.Options, v.Elem(), ""); err != nil {
		return fmt.Errorf("decode options of source %q: %w", c.Name, err)
	}
	return nil
}

func decodeStruct(options map[string]any, v reflect.Value, path string) error {
	var problems []error
	known := map[string]bool{}
	t := v.Type()
	for i := range t.NumField() {
		name, rest, _ := strings.Cut(t.Field(i).Tag.Get("option"), ",")
		if name == "" {
			continue
		}
		known[name] = true
		given, ok := options[name]
		if a, is := v.Field(i).Addr().Interface().(*Absent); is && ok {
			if err := a.decode(given, path+name); err != nil {
				problems = append(problems, err)
			}
			continue
		}
		if !ok || given == nil {
			if rest == "required" {
				problems = append(problems, fmt.Errorf("缺少选项 / option %q is missing: %w", path+name, ErrConfig))
			}
			continue
		}
		if err := decodeValue(given, v.Field(i), path+name); err != nil {
			problems = append(problems, err)
		}
	}
	for _, name := range sortedKeys(options) {
		if !known[name] {
			problems = append(problems, fmt.Errorf("没有这个选项 / unknown option %q%s: %w", path+name, nearest(name, known), ErrConfig))
		}
	}
	return errors.Join(problems...)
}

func decodeValue(given any, v reflect.Value, path string) error {
	if reflect.TypeOf(given).AssignableTo(v.Type()) && v.Kind() != reflect.Map && v.Kind() != reflect.Slice {
		v.Set(reflect.ValueOf(given))
		return nil
	}
	switch v.Interface().(type) {
	case Secret:
		s, ok := given.(string)
		if !ok {
			return wrong(path, "env:NAME or file:PATH")
		}
		secret, err := ResolveSecret(s)
		if err != nil {
			return fmt.Errorf("option %q: %w", path, err)
		}
		v.Set(reflect.ValueOf(secret))
		return nil
	case time.Duration:
		s, ok := given.(string)
		d, err := time.ParseDuration(s)
		if !ok || err != nil || d < 0 {
			return wrong(path, "a duration such as 500ms, 10s, 24h")
		}
		v.SetInt(int64(d))
		return nil
	case Size:
		n, ok := parseSize(given)
		if !ok {
			return wrong(path, "a size such as 1048576, 512KiB, 1MiB")
		}
		v.SetInt(n)
		return nil
	case Share:
		share, ok := parseShare(given)
		if !ok {
			return wrong(path, "a share from 0 to 100 such as 20, 0.5, 20%")
		}
		v.SetFloat(float64(share))
		return nil
	}
	return decodeKind(given, v, path)
}

func decodeKind(given any, v reflect.Value, path string) error {
	switch v.Kind() {
	case reflect.String:
		s, ok := given.(string)
		if !ok {
			return wrong(path, "text")
		}
		v.SetString(s)
	case reflect.Bool:
		b, ok := given.(bool)
		if !ok {
			return wrong(path, "true or false")
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		n, ok := wholeNumber(given)
		if !ok {
			return wrong(path, "a whole number")
		}
		v.SetInt(n)
	case reflect.Slice:
		items, ok := list(given)
		if !ok {
			return wrong(path, "a list")
		}
		out := reflect.MakeSlice(v.Type(), len(items), len(items))
		var problems []error
		for i, item := range items {
			problems = append(problems, decodeValue(item, out.Index(i), fmt.Sprintf("%s[%d]", path, i)))
		}
		v.Set(out)
		return errors.Join(problems...)
	case reflect.Map:
		m, ok := stringMap(given)
		if !ok {
			return wrong(path, "a map")
		}
		out := reflect.MakeMapWithSize(v.Type(), len(m))
		var problems []error
		for _, k := range sortedKeys(m) {
			item := reflect.New(v.Type().Elem()).Elem()
			if m[k] != nil {
				problems = append(problems, decodeValue(m[k], item, path+"."+k))
			}
			out.SetMapIndex(reflect.ValueOf(k), item)
		}
		v.Set(out)
		return errors.Join(problems...)
	case reflect.Struct:
		m, ok := stringMap(given)
		if !ok {
			return wrong(path, "a map")
		}
		return decodeStruct(m, v, path+".")
	default:
		return fmt.Errorf("option %q: no decoder for %s", path, v.Type())
	}
	return nil
}

func wrong(path, want string) error {
	return fmt.Errorf("选项的值不对 / option %q: want %s: %w", path, want, ErrConfig)
}

func list(given any) ([]any, bool) {
	v := reflect.ValueOf(given)
	if v.Kind() != reflect.Slice {
		return nil, false
	}
	items := make([]any, v.Len())
	for i := range items {
		items[i] = v.Index(i).Interface()
		if items[i] == nil {
			return nil, false
		}
	}
	return items, true
}

func stringMap(given any) (map[string]any, bool) {
	v := reflect.ValueOf(given)
	if v.Kind() != reflect.Map {
		return nil, false
	}
	m := make(map[string]any, v.Len())
	for it := v.MapRange(); it.Next(); {
		k, ok := it.Key().Interface().(string)
		if !ok {
			return nil, false
		}
		m[k] = it.Value().Interface()
	}
	return m, true
}

func wholeNumber(given any) (int64, bool) {
	v := reflect.ValueOf(given)
	switch {
	case v.CanInt():
		return v.Int(), true
	case v.CanUint() && v.Uint() < 1<<63:
		return int64(v.Uint()), true
	case v.CanFloat() && v.Float() == float64(int64(v.Float())):
		return int64(v.Float()), true
	}
	return 0, false
}

func parseSize(given any) (int64, bool) {
	if n, ok := wholeNumber(given); ok {
		return n, n >= 0
	}
	s, ok := given.(string)
	if !ok {
		return 0, false
	}
	unit := int64(1)
	for _, u := range []struct {
		suffix string
		bytes  int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"B", 1}} {
		if rest, cut := strings.CutSuffix(s, u.suffix); cut {
			s, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/unit {
		return 0, false
	}
	return n * unit, true
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// nearest suggests the known name most like the given one.
func nearest(name string, known map[string]bool) string {
	best, distance := "", 3
	for k := range known {
		if d := EditDistance(name, k); d < distance || d == distance && best != "" && k < best {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// EditDistance counts the bytes to add, take away or replace between two names.
func EditDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
