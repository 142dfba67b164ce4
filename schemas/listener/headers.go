package listener

import "net/http"

// Headers of every answer, but where a handler knows better. Nobody changes the slices.
var everyHeader = http.Header{
	"Cache-Control": {"no-store"}, "Content-Security-Policy": {"default-src 'none'; frame-ancestors 'none'"},
	"X-Content-Type-Options": {"nosniff"}, "Referrer-Policy": {"no-referrer"}, "X-Frame-Options": {"DENY"},
	"Cross-Origin-Opener-Policy": {"same-origin"}, "Cross-Origin-Resource-Policy": {"same-origin"},
}

// Headers returns a copy of the headers that every answer has, also one that no handler
// gives, unless a handler sets others of the same names.
func Headers() http.Header { return everyHeader.Clone() }
