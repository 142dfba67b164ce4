package site

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
)

// Keep writes what an operator's page says into a file.
func Keep(ctx context.Context, url, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("keep %q: %w", file, err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("keep %q: %w", file, err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("keep %q: %w", file, err)
	}
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("keep %q: %w", file, err)
	}
	_, err = io.Copy(f, res.Body)
	return errors.Join(err, f.Close())
}
