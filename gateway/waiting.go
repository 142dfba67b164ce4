package gateway

import "slices"

// Waits is a case of a rule that speaks of absence, and the datasets of which it
// waits for the first complete copy: until then nobody can say that something is
// not there.
type Waits struct {
	Rule, Case string
	Datasets   []string
}

type waitingCase struct {
	Rule     string   `json:"rule"`
	Case     string   `json:"case"`
	Datasets []string `json:"datasets" doc:"尚无第一份完整数据的数据集 / datasets of which no complete copy has come yet"`
}

// waiting returns the cases that are not judged yet.
func (g *Gateway) waiting() []waitingCase {
	out := []waitingCase{}
	for _, w := range g.cfg.Waits {
		missing := slices.DeleteFunc(slices.Clone(w.Datasets), g.fresh.Complete)
		if len(missing) > 0 {
			out = append(out, waitingCase{w.Rule, w.Case, missing})
		}
	}
	return out
}
