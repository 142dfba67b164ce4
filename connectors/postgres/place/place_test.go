package place

import "testing"

// TestProof: what the server sends first, and whether its log can be the one in
// which transaction 7 at 100 was published last and everything up to 150.
func TestProof(t *testing.T) {
	t.Parallel()
	type sent struct {
		commit LSN
		xid    uint32
	}
	last := Position{Commit: 100, XID: 7, At: 70, Flush: 150}
	legacy := Position{Commit: 100, Flush: 150}
	first := Position{Flush: 150}
	tests := map[string]struct {
		from  Position
		heard LSN
		sent  []sent
		end   LSN // of a keepalive after them
		want  bool
	}{
		"it comes again":                     {last, 90, []sent{{95, 6}, {100, 7}, {160, 8}}, 200, true},
		"it comes again, nothing else":       {last, 100, []sent{{100, 7}}, 200, true},
		"it is not due":                      {last, 150, []sent{{160, 8}}, 200, true},
		"nothing yet":                        {last, 90, nil, 100, true},
		"another in its place":               {last, 90, []sent{{100, 8}}, 0, false},
		"another time":                       {Position{Commit: 100, XID: 7, At: 71, Flush: 150}, 90, []sent{{100, 7}}, 0, false},
		"passed over":                        {last, 90, []sent{{95, 6}, {160, 8}}, 0, false},
		"passed over in silence":             {last, 90, []sent{{95, 6}}, 101, false},
		"one that was not there":             {last, 90, []sent{{100, 7}, {149, 8}}, 0, false},
		"one that was not there, not due":    {last, 120, []sent{{149, 8}}, 0, false},
		"right behind":                       {last, 90, []sent{{100, 7}, {150, 8}}, 200, true},
		"by a position of format 1":          {legacy, 90, []sent{{100, 3}, {150, 8}}, 200, true},
		"by one of format 1, not there":      {legacy, 90, []sent{{100, 3}, {149, 8}}, 200, false},
		"no transaction yet":                 {first, 90, []sent{{150, 8}}, 200, true},
		"no transaction yet, one in between": {first, 90, []sent{{120, 8}}, 200, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, got := NewProof(tt.from, tt.heard), true
			for _, s := range tt.sent {
				got = got && p.Transaction(s.commit, s.xid, int64(s.xid)*10)
			}
			if got = got && p.Passed(tt.end); got != tt.want {
				t.Errorf("belongs = %v, want %v", got, tt.want)
			}
		})
	}
}

// TestRelease: the last transaction is held, but not for the sake of much log.
func TestRelease(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		at   Position
		want LSN
	}{
		"first rows":          {Position{Flush: 50}, 50},
		"a transaction":       {Position{Flush: 110, Commit: 100}, 100},
		"part of one":         {Position{Flush: 110, Commit: 200, Index: 3}, 110},
		"others' log, some":   {Position{Flush: 100 + spare, Commit: 100}, 100},
		"others' log, more":   {Position{Flush: 101 + spare, Commit: 100}, 101 + spare},
		"nothing, long since": {Position{Flush: 10 * spare}, 10 * spare},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tt.at.Release(); got != tt.want {
				t.Errorf("release = %s, want %s", got, tt.want)
			}
		})
	}
}

// TestPositionOfFormat1: a position of the build before goes on.
func TestPositionOfFormat1(t *testing.T) {
	t.Parallel()
	at, err := Parse(`{"system":"7","timeline":1,"tables":["public.t1"],"start":"0/10","commit":"0/20","whole":true,"flush":"0/30"}`)
	if err != nil || at.Kept != 0x30 || at.Release() != 0x20 {
		t.Errorf("parsed %+v, %v; want what the server was told", at, err)
	}
	again, err := Parse(at.Encode())
	if err != nil || again.Kept != 0x30 || again.Format != format {
		t.Errorf("written and parsed %+v, %v", again, err)
	}
	if _, err := Parse(`{"format":99,"system":"7"}`); err == nil {
		t.Error("a position of a later build was read")
	}
}
