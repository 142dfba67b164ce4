package listener

import (
	"cmp"
	"time"
)

// Limits bound what callers may cost. They are declared once for all listeners;
// a zero is the default beside it.
type Limits struct {
	Connections           int           // open at a time, 8,192
	ConnectionsPerAddress int           // of them by one address, 200; a trusted proxy has no share
	HeaderBytes           int           // of a request's line and headers, 16 KiB
	HeaderTime            time.Duration // for a request's headers, and before them the TLS handshake, 5 s
	IdleTime              time.Duration // between requests, 60 s
	WriteTime             time.Duration // from the headers to the end of the answer, 30 s
	Drain                 time.Duration // for requests under way when the process ends, 20 s
	BodyBytes             int64         // of a request, 1 MiB
	BodyRate              int           // bytes a second that a body must come at, 8,192
	BodyGrace             time.Duration // before the rate counts, 5 s
	Requests              int           // under way at a time by those with a key, 1,024
	RequestsPerKey        int           // of them by one key, a quarter
	RequestsPerDepartment int           // of them by one department, a half
	Strangers             int           // under way at a time by those without a key, 256
	StrangersPerAddress   int           // of them by one address, 32
}

func (l Limits) withDefaults() Limits {
	l.Connections = cmp.Or(l.Connections, 8192)
	l.ConnectionsPerAddress = cmp.Or(l.ConnectionsPerAddress, 200)
	l.HeaderBytes = cmp.Or(l.HeaderBytes, 16<<10)
	l.HeaderTime = cmp.Or(l.HeaderTime, 5*time.Second)
	l.IdleTime = cmp.Or(l.IdleTime, time.Minute)
	l.WriteTime = cmp.Or(l.WriteTime, 30*time.Second)
	l.Drain = cmp.Or(l.Drain, 20*time.Second)
	l.BodyBytes = cmp.Or(l.BodyBytes, 1<<20)
	l.BodyRate = cmp.Or(l.BodyRate, 8192)
	l.BodyGrace = cmp.Or(l.BodyGrace, 5*time.Second)
	l.Requests = cmp.Or(l.Requests, 1024)
	l.RequestsPerKey = cmp.Or(l.RequestsPerKey, max(1, l.Requests/4))
	l.RequestsPerDepartment = cmp.Or(l.RequestsPerDepartment, max(1, l.Requests/2))
	l.Strangers = cmp.Or(l.Strangers, 256)
	l.StrangersPerAddress = cmp.Or(l.StrangersPerAddress, 32)
	return l
}

// or returns the limits, and others where there is none.
func (l Limits) or(other Limits) Limits {
	l.Connections = cmp.Or(l.Connections, other.Connections)
	l.ConnectionsPerAddress = cmp.Or(l.ConnectionsPerAddress, other.ConnectionsPerAddress)
	l.HeaderBytes = cmp.Or(l.HeaderBytes, other.HeaderBytes)
	l.HeaderTime = cmp.Or(l.HeaderTime, other.HeaderTime)
	l.IdleTime = cmp.Or(l.IdleTime, other.IdleTime)
	l.WriteTime = cmp.Or(l.WriteTime, other.WriteTime)
	l.Drain = cmp.Or(l.Drain, other.Drain)
	l.BodyBytes = cmp.Or(l.BodyBytes, other.BodyBytes)
	l.BodyRate = cmp.Or(l.BodyRate, other.BodyRate)
	l.BodyGrace = cmp.Or(l.BodyGrace, other.BodyGrace)
	l.Requests = cmp.Or(l.Requests, other.Requests)
	l.RequestsPerKey = cmp.Or(l.RequestsPerKey, other.RequestsPerKey)
	l.RequestsPerDepartment = cmp.Or(l.RequestsPerDepartment, other.RequestsPerDepartment)
	l.Strangers = cmp.Or(l.Strangers, other.Strangers)
	l.StrangersPerAddress = cmp.Or(l.StrangersPerAddress, other.StrangersPerAddress)
	return l
}
