package api

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// livez says that the process lives; it depends on nothing.
func (s *API) livez(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "ok\n") // the prober has gone
}

// readyz says whether every view can be answered, and with ?verbose which not.
func (s *API) readyz(w http.ResponseWriter, r *http.Request) {
	if !s.Pulse.Answers() {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "cache does not answer\n") // the prober has gone
		return
	}
	missing := s.Pulse.Missing()
	if len(missing) == 0 {
		_, _ = io.WriteString(w, "ok\n") // the prober has gone
		return
	}
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = fmt.Fprintf(w, "loading: %d of %d views\n", len(missing), len(s.Views)) // the prober has gone
	if r.URL.Query().Has("verbose") {
		_, _ = fmt.Fprintln(w, strings.Join(missing, "\n")) // the prober has gone
	}
}
