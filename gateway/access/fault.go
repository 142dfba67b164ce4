package access

import (
	"fmt"
	"strings"
)

// FaultError is one thing that is wrong with an application.
type FaultError struct {
	Application int    // its place in the list, from 0
	ID          string // as it is given
	Path        string // what in it: "grants[0].fields[2]", "" for the whole
	Text        string // in both tongues, with all that is allowed
}

// Error names the application and says what is wrong.
func (f *FaultError) Error() string { return fmt.Sprintf("application %q: %s", f.ID, f.Text) }

// FaultErrors is all that is wrong with a list of applications.
type FaultErrors []*FaultError

// Error tells them, one a line.
func (f FaultErrors) Error() string {
	lines := make([]string, len(f))
	for i, one := range f {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Or is the faults as an error, nil if there is none.
func (f FaultErrors) Or() error {
	if len(f) == 0 {
		return nil
	}
	return f
}
