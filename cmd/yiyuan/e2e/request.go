package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors/fleet"
)

// Request sends a request and returns status and body.
func Request(t testing.TB, method, address, key, purpose, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(fleet.OperatorHeader, "test")
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("X-Purpose", purpose)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s: %v", method, WithoutURL(err))
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}
