package main

import (
	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/editor"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/starter"
)

func initCommand() *cobra.Command { return starter.Command(editorSchemas) }

// editorSchemas are the JSON Schemas of this distribution's files.
func editorSchemas() (map[string][]byte, error) {
	return editor.Schemas(wiring.EveryKind(), settings.Default())
}
