package settings

import (
	"io"
	"log/slog"
)

// NewLogger makes the process's logger.
func NewLogger(cfg Log, to io.Writer) (*slog.Logger, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.Level)) // it has been checked
	options := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(to, options)), nil
	}
	return slog.New(slog.NewTextHandler(to, options)), nil
}
