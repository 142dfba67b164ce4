package process

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings/settingstest"
	"github.com/yiyuan-bus/yiyuan/processors/state"
)

// TestSecondProcessOverOneState: a process whose folder of state another has ends with that,
// with the setting and what to do, and not with what it had to leave off for it.
func TestSecondProcessOverOneState(t *testing.T) {
	if dir := os.Getenv("YIYUAN_TEST_HOLDS"); dir != "" { // the other process
		s, err := state.Open(state.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = os.Stdout.WriteString("held\n")
		_, _ = io.Copy(io.Discard, os.Stdin)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return
	}
	settingstest.Bare(t)
	dir := t.TempDir()
	other := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSecondProcessOverOneState$")
	other.Env = append(os.Environ(), "YIYUAN_TEST_HOLDS="+dir)
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(in.Close(), other.Wait()); err != nil {
			t.Error(err)
		}
	}()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the other process says %q (%v)", line, err)
	}
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0") // a Redis that is on its way until it is given up
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	cfg := settings.Default()
	cfg.Bus.Embedded.Listen, cfg.Gateway.Listen, cfg.Admin.Listen, cfg.Push.Listen, cfg.Registry.Listen = "127.0.0.1:0", "127.0.0.1:0", "", "", ""
	cfg.Processors.Dir, cfg.Gateway.Redis, cfg.Log.Level = dir, "redis://"+silent.Addr().String()+"/0", "error"
	err = Run(t.Context(), cfg, "test")
	if !errors.Is(err, state.ErrInUse) || !strings.Contains(err.Error(), "状态目录 "+dir+"（processors.dir）正由另一个进程使用") || !strings.Contains(err.Error(), "processors.instance") || strings.Contains(err.Error(), "Redis") || strings.Contains(err.Error(), "\n") {
		t.Errorf("Run = %v", err)
	}
}
