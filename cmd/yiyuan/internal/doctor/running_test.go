package doctor

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// A process that runs another catalogue than the one by which the doctor judges is told
// of, before whatever else differs because of it.
func TestProcessThatRunsAnotherCatalogue(t *testing.T) {
	t.Parallel()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("0123456789abcdef0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	told := process.NewCatalogues()
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(told)
	told.WithLabelValues(process.CatalogueRuns, "before").Set(1)
	told.WithLabelValues(process.CatalogueInForce, "now").Set(1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer 0123456789abcdef0123456789abcdef" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	cfg := settings.Default()
	cfg.Admin.Listen, cfg.Admin.TokenFile = strings.TrimPrefix(server.URL, "http://"), token
	look := func(cfg settings.Config, version string) []Finding {
		return (&doctor{cfg: cfg, cat: &schemas.Catalogue{Version: version}}).running(t.Context())
	}
	if found := look(cfg, "before"); len(found) != 1 || found[0].Grade != OK {
		t.Errorf("the same: %v", found)
	}
	found := look(cfg, "now")
	if len(found) != 1 || found[0].Grade != Problem || !strings.Contains(found[0].What, "still runs the catalogue before, and now is in force") {
		t.Fatalf("another: %v", found)
	}
	missing := problemFound("kafka.topics", "", "")
	if sorted := first([]Finding{fine("config", ""), missing, found[0], fine(checkInForce, "")}); sorted[0] != found[0] || sorted[1].Check != "config" || sorted[2] != missing {
		t.Errorf("in order: %v", sorted)
	}
	stranger := cfg
	stranger.Admin.TokenFile = ""
	if found := look(stranger, "now"); len(found) != 1 || found[0].Grade != Warning || !strings.Contains(found[0].What, "status 401") {
		t.Errorf("without its token: %v", found)
	}
	server.Close()
	if found := look(cfg, "now"); found != nil {
		t.Errorf("nobody there: %v", found)
	}
}
