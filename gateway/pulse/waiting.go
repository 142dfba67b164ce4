package pulse

import "slices"

// Waiting returns the cases that are not judged yet, each with the datasets that it
// still waits for.
func (p *Pulse) Waiting() []Waits {
	var out []Waits
	for _, w := range p.Waits {
		missing := slices.DeleteFunc(slices.Clone(w.Datasets), p.Fresh.Complete)
		if len(missing) > 0 {
			out = append(out, Waits{w.Rule, w.Case, missing})
		}
	}
	return out
}
