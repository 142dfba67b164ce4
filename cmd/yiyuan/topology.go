package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

func topologyCommand() *cobra.Command {
	var dir, format string
	cmd := &cobra.Command{
		Use:     "topology",
		Short:   "打印处理步骤及其读写的主题 / print the steps with the topics they read and write",
		Example: "  yiyuan topology --format mermaid",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cat, err := wiring.Catalogue(dir)
			if err != nil {
				return err
			}
			keys, err := keyring.New(keyring.Intl, map[int][]byte{1: make([]byte, 32)}, 1)
			if err != nil {
				return err
			}
			drawn := drawing(wiring.Steps(cat, codec.New(codec.NewMemory()), keys))
			switch format {
			case "mermaid":
				_, err = io.WriteString(cmd.OutOrStdout(), drawn.Mermaid)
			case "text":
				_, err = io.WriteString(cmd.OutOrStdout(), asText(drawn))
			default:
				err = exit.With(exit.Usage, fmt.Errorf("--format %q: text mermaid", format))
			}
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "catalogue", "", "目录文件夹，默认示例城市 / catalogue folder, the sample city if empty")
	cmd.Flags().StringVar(&format, "format", "text", "text mermaid")
	return cmd
}

// drawing is the steps as the console and this command show them.
func drawing(steps []processors.Step) gateway.Topology {
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

// asText lists each step with what it reads and writes, topics of one kind on
// one line.
func asText(t gateway.Topology) string {
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
