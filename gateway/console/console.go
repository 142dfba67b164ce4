// Package console serves the pages of the console, which are built from web/
// and embedded. They hold no data: everything comes from the API.
package console

import (
	"bytes"
	"embed"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed all:web/dist
var files embed.FS

// policy lets the pages load nothing but what is served beside them. Styles
// are set on elements by the component library, scripts never inline.
const policy = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"

// Handler serves the console: its page at / and the files of it. The page routes
// itself behind a #, so any other path is nobody's and goes to missing. Files
// with a hash in their name may be kept for ever.
func Handler(missing http.HandlerFunc) http.Handler {
	pages, err := fs.Sub(files, "web/dist")
	if err != nil {
		panic(err) // the folder is embedded by this very file
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			missing(w, r)
			return
		}
		name := strings.TrimPrefix(r.URL.Path, "/")
		if name == "" {
			name = "index.html"
		}
		body, err := fs.ReadFile(pages, name)
		if err != nil {
			missing(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
			h.Set("Content-Type", kind)
		}
		if strings.HasPrefix(name, "assets/") {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		} else {
			h.Set("Cache-Control", "no-cache")
		}
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body))
	})
}
