// Command house prints how the project is built: the lines of each package, the files whose references run in a circle, and the imports
// that run against the order written in docs/architecture.md. It ends with 1 if one of its limits is passed. `make house` runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

func main() {
	all := flag.Bool("all", false, "every package and every name that ties a circle, not only what passes a limit")
	flag.Parse()
	var out strings.Builder
	passed, err := inspect(context.Background(), &out, *all)
	if err == nil {
		_, err = os.Stdout.WriteString(out.String())
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "house:", err) // there is nowhere else to say it
		os.Exit(2)
	}
	if passed {
		os.Exit(1)
	}
}

// inspect prints the parts and says whether a limit was passed that docs/architecture.md does not name as a debt.
func inspect(ctx context.Context, out *strings.Builder, all bool) (bool, error) {
	units, err := list(ctx)
	if err != nil {
		return false, err
	}
	rows, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		return false, err
	}
	module := ""
	var ours []*unit
	for _, u := range units {
		if u.Module != nil && u.Module.Main {
			module = u.Module.Path
			ours = append(ours, u)
		}
	}
	slices.SortFunc(ours, func(a, b *unit) int { return strings.Compare(a.ImportPath, b.ImportPath) })
	floors, err := order(string(rows))
	if err != nil {
		return false, err
	}
	due := debts(string(rows))
	sized, err := sizes(out, module, ours, due, all)
	if err != nil {
		return false, err
	}
	tied, err := circles(out, module, ours, units, due, all)
	if err != nil {
		return false, err
	}
	paid := due.paid(out)
	back := against(out, module, ours, floors)
	wrong, err := texts(ctx, out)
	return sized || tied || paid || back || wrong, err
}
