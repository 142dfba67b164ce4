package gateway

import (
	"net"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/api"
	"github.com/yiyuan-bus/yiyuan/gateway/indicator"
	"github.com/yiyuan-bus/yiyuan/gateway/pulse"
	"github.com/yiyuan-bus/yiyuan/gateway/quota"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// Config is the gateway's own settings. The zero value is usable.
type Config struct {
	Listen   string          // address of the API and the console; "127.0.0.1:8080" if empty
	Listener net.Listener    // takes the place of Listen
	Shared   listener.Shared // what all listeners of the process have in common

	OpenConsole bool                     // the pages about the exchange itself need no key (demo)
	Unconnected []string                 // datasets that are not connected in this deployment: nobody waits for a copy of them before saying that somebody is not there
	Waits       []Waits                  // what rules wait for before they speak of absence
	DemoApps    []DemoApp                // shown with their keys to the playground (demo)
	DemoSamples func() map[string]string // a key of each view that is found, for the playground; nil = none
	Topology    Topology

	ReadOnly    bool          // another process materialises
	VerifyFloor time.Duration // a verification never answers sooner; 20 ms if 0
	VerifyCrowd time.Duration // how long a verification waits for others of its budget that are under way; 2 s if 0
	// Negatives is how many verifications of an application may be answered with no
	// before it is stopped (20, 200 and 1,000 if 0), TargetNegatives how many about
	// one subject (5, 20 and 50 if 0).
	Negatives, TargetNegatives quota.Limits
	MaxStreams                 int               // of /v1/events, 64 if 0
	AuditTimeout               time.Duration     // 5 s if 0
	TellStrangers              time.Duration     // how often refusals of strangers are written to the audit, a minute if 0
	RefusedKept                int               // refused rows of a dataset that are told one by one, and open entries of quarantine that are listed; refusal.Kept and quarantine.Kept if 0
	RefusedAnew                time.Duration     // how long before it is looked which of those beyond are left, 5 min if 0
	Linger                     time.Duration     // how long a replaced generation stays for readers that have not noticed; 10 s if 0
	Step                       time.Duration     // how often as_of and the indicators move; 500 ms if 0
	Targets                    indicator.Targets // lines of the indicators
	Clock                      func() time.Time  // time.Now if nil
}

// DemoApp is an application that is shown with its key.
type DemoApp = api.DemoApp

// Topology is the journey as it is drawn.
type Topology = api.Topology

// Step is a step of it.
type Step = api.Step

// Waits is what a case of a rule waits for.
type Waits = pulse.Waits

func (c Config) withDefaults() Config {
	set := func(p *time.Duration, v time.Duration) {
		if *p <= 0 {
			*p = v
		}
	}
	count := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	if c.Listen == "" {
		c.Listen = "127.0.0.1:8080"
	}
	set(&c.VerifyFloor, 20*time.Millisecond)
	set(&c.VerifyCrowd, 2*time.Second)
	set(&c.AuditTimeout, 5*time.Second)
	set(&c.TellStrangers, time.Minute)
	set(&c.Linger, 10*time.Second)
	set(&c.RefusedAnew, 5*time.Minute)
	set(&c.Step, 500*time.Millisecond)
	limits := func(l *quota.Limits, minute, hour, day int) {
		count(&l.Minute, minute)
		count(&l.Hour, hour)
		count(&l.Day, day)
	}
	limits(&c.Negatives, 20, 200, 1000)
	limits(&c.TargetNegatives, 5, 20, 50)
	count(&c.MaxStreams, 64)
	c.Targets = c.Targets.WithDefaults()
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return c
}
