package main

import (
	"context"

	"github.com/yiyuan-bus/yiyuan/benchmarks/site"
)

// bench is one invocation, whose jobs are its methods.
type bench struct{ *site.Bench }

// deployment is a site that a job measures.
type deployment struct{ *site.Site }

// deploy makes a site whose topics are there.
func (b bench) deploy(ctx context.Context, name, brokers string) (deployment, error) {
	s, err := b.NewSite(ctx, name, brokers)
	return deployment{s}, err
}
