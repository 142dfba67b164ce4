package api

// consolePages is the pattern of what is no API.
const consolePages = "/"

// routed reports whether a pattern is an operation's.
func routed(pattern string) bool { return pattern != consolePages && pattern != "" }

// operationID names an operation in the audit.
func operationID(pattern string) string {
	if !routed(pattern) {
		return "none"
	}
	return pattern
}
