package rights

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Command is how kafka-acls.sh reaches the cluster.
type Command struct {
	Bootstrap string // host:port,...
	Config    string // --command-config: who the administrator is
	Principal string // User:name
	Remove    bool   // take the rights away again
}

// Write writes the rights as lines of kafka-acls.sh, one for each set of operations on
// resources of a kind.
func (c Command) Write(w io.Writer, rights []Right) error {
	type line struct {
		kind       Kind
		prefixed   bool
		operations []Operation
		names      []string
	}
	var lines []*line
	for _, r := range resources(rights) {
		at := slices.IndexFunc(lines, func(l *line) bool {
			return l.kind == r.kind && l.prefixed == r.prefixed && slices.Equal(l.operations, r.operations)
		})
		if at < 0 {
			lines, at = append(lines, &line{r.kind, r.prefixed, r.operations, nil}), len(lines)
		}
		lines[at].names = append(lines[at].names, r.name)
	}
	verb := "--add"
	if c.Remove {
		verb = "--remove --force"
	}
	for _, l := range lines {
		var b strings.Builder
		fmt.Fprintf(&b, "kafka-acls.sh --bootstrap-server %s --command-config %s %s --allow-principal %s", quote(c.Bootstrap), quote(c.Config), verb, quote(c.Principal))
		for _, o := range l.operations {
			b.WriteString(" --operation " + string(o))
		}
		if l.prefixed {
			b.WriteString(" --resource-pattern-type prefixed")
		}
		for _, n := range l.names {
			b.WriteString(" --" + string(l.kind) + " " + quote(n))
		}
		b.WriteString("\n")
		if _, err := io.WriteString(w, b.String()); err != nil {
			return fmt.Errorf("write rights: %w", err)
		}
	}
	return nil
}

// resource is everything that is allowed on one name.
type resource struct {
	kind       Kind
	prefixed   bool
	name       string
	operations []Operation
}

func resources(rights []Right) []resource {
	var out []resource
	for _, r := range rights {
		at := slices.IndexFunc(out, func(have resource) bool {
			return have.kind == r.Kind && have.prefixed == r.Prefixed && have.name == r.Name
		})
		if at < 0 {
			out, at = append(out, resource{r.Kind, r.Prefixed, r.Name, nil}), len(out)
		}
		out[at].operations = append(out[at].operations, r.Operation)
	}
	for i := range out {
		slices.Sort(out[i].operations)
	}
	return out
}

// quote makes one word of a shell's line.
func quote(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-:/,=@", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
