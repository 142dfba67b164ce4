package option

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/document"
)

// Size is an option counted in bytes: 1048576, "1MiB", "512KiB", "2GiB".
type Size int64

// Secret is an option that must not stand in a configuration file: the file
// says env:NAME or file:PATH. It never prints what it holds.
type Secret struct{ text string }

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
		return Secret{}, fmt.Errorf("环境变量 %[1]s 未设置 / resolve secret: environment variable %[1]q is not set: %[2]w", name, ErrConfig)
	}
	if path, ok := strings.CutPrefix(reference, "file:"); ok {
		b, err := os.ReadFile(path)
		if err != nil {
			return Secret{}, fmt.Errorf("口令文件读不了 / resolve secret: %w: %w", err, ErrConfig)
		}
		return Secret{strings.TrimRight(string(b), "\r\n")}, nil
	}
	return Secret{}, fmt.Errorf("须写 env:变量名 或 file:路径，不要直接写口令 / resolve secret: want env:NAME or file:PATH, not the secret itself: %w", ErrConfig)
}

// Whole is a whole number, however the configuration's reader held it.
func Whole(given any) (int64, bool) {
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

func parseSize(given any) (Size, bool) {
	s, ok := given.(string)
	if !ok {
		n, whole := Whole(given)
		return Size(n), whole && n >= 0
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
	return Size(n * unit), true
}

// Nearest suggests, behind an error, the allowed word most like the given one; "" if
// none is like it.
func Nearest(given string, allowed []string) string {
	best, distance := "", max(3, len(given)/4)
	for _, k := range allowed {
		if d := document.Distance(strings.ToLower(given), strings.ToLower(k)); d < distance || d == distance && best != "" && k < best {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// ErrConfig marks an error that only another configuration can mend.
var ErrConfig = errors.New("configuration error")
