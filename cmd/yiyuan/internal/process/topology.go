package process

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Drawing is the steps as the console and the command topology show them.
func Drawing(steps []processors.Step) gateway.Topology {
	var out gateway.Topology
	for _, t := range steps {
		out.Steps = append(out.Steps, gateway.Step{Name: t.Name, From: names(t.From), To: names(t.To)})
	}
	out.Mermaid = mermaid(out.Steps)
	return out
}

func names(topics []contract.Topic) []string {
	out := make([]string, len(topics))
	for i, t := range topics {
		out[i] = string(t)
	}
	slices.Sort(out)
	return out
}

// Text lists each step with what it reads and writes, topics of one kind on
// one line.
func Text(t gateway.Topology) string {
	var b strings.Builder
	for _, s := range t.Steps {
		fmt.Fprintf(&b, "%s\n", s.Name)
		for _, side := range []struct {
			mark   string
			topics []string
		}{{"<-", s.From}, {"->", s.To}} {
			for _, family := range families(side.topics) {
				fmt.Fprintf(&b, "  %s %s\n", side.mark, strings.Join(family, " "))
			}
		}
	}
	return b.String()
}

// families groups topics by what stands before their first dot, in order.
func families(topics []string) [][]string {
	var out [][]string
	last := ""
	for _, t := range topics {
		kind, _, _ := strings.Cut(t, ".")
		if kind != last || len(out) == 0 {
			out = append(out, nil)
			last = kind
		}
		out[len(out)-1] = append(out[len(out)-1], t)
	}
	return out
}

// mermaid draws steps as boxes and families of topics as cylinders.
func mermaid(steps []gateway.Step) string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	seen := map[string]bool{}
	node := func(family []string) string {
		id := strings.NewReplacer(".", "_", "-", "_").Replace(family[0])
		label := family[0]
		if len(family) > 1 {
			kind, _, _ := strings.Cut(family[0], ".")
			id, label = kind+"_all_"+id, fmt.Sprintf("%s.* (%d)", kind, len(family))
		}
		if !seen[id] {
			seen[id] = true
			fmt.Fprintf(&b, "  %s[(%q)]\n", id, label)
		}
		return id
	}
	for _, s := range steps {
		id := "step_" + strings.NewReplacer(".", "_", "-", "_").Replace(s.Name)
		fmt.Fprintf(&b, "  %s[%q]\n", id, s.Name)
		for _, f := range families(s.From) {
			fmt.Fprintf(&b, "  %s --> %s\n", node(f), id)
		}
		for _, f := range families(s.To) {
			fmt.Fprintf(&b, "  %s --> %s\n", id, node(f))
		}
	}
	return b.String()
}
