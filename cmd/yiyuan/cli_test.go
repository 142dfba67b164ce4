package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings/settingstest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// TestScripts runs the command as people do. A script may say
//
//	exit CODE COMMAND...   the command ends with that exit code
//
// and finds the sample city's catalogue in $WORK/city and $WORK/original, and deploy/ in $DEPLOY.
// With YIYUAN_TEST_UPDATE set, golden parts are written anew.
func TestScripts(t *testing.T) {
	deploy, err := filepath.Abs(filepath.FromSlash("../../deploy"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("YIYUAN_TEST_UPDATE") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("DEPLOY", deploy)
			if err := os.CopyFS(filepath.Join(e.WorkDir, "original"), yunling.Files()); err != nil {
				return err
			}
			return os.CopyFS(filepath.Join(e.WorkDir, "city"), yunling.Files())
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exit": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) < 2 {
					ts.Fatalf("usage: exit CODE COMMAND...")
				}
				want, err := strconv.Atoi(args[0])
				ts.Check(err)
				got := 0
				var ended *exec.ExitError
				if err := ts.Exec(args[1], args[2:]...); errors.As(err, &ended) {
					got = ended.ExitCode()
				} else {
					ts.Check(err)
				}
				if got != want {
					ts.Fatalf("exit code %d, want %d", got, want)
				}
			},
		},
	})
}

// every visits each command that people can see.
func every(visit func(cmd *cobra.Command)) {
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() && sub.Name() != "completion" {
				visit(sub)
				walk(sub)
			}
		}
	}
	walk(newRoot())
}

// A command says what it does in Chinese, then in English, and each flag too.
func TestHelpIsInBothLanguages(t *testing.T) {
	every(func(cmd *cobra.Command) {
		chinese, english, ok := strings.Cut(cmd.Short, "/")
		if !ok || !strings.ContainsFunc(chinese, isHan) || strings.ContainsFunc(english, isHan) {
			t.Errorf("%s: short help %q, want 中文 / English", cmd.CommandPath(), cmd.Short)
		}
		if cmd.Long != "" && (!strings.ContainsFunc(cmd.Long, isHan) || !strings.Contains(cmd.Long, "\n")) {
			t.Errorf("%s: long help %q, want Chinese and English lines", cmd.CommandPath(), cmd.Long)
		}
	})
}

func isHan(r rune) bool { return r >= 0x4e00 && r <= 0x9fff }

// An example that does not run teaches the wrong thing: each must name a command
// and flags that exist, with arguments the command takes.
func TestExamplesAreCommandLines(t *testing.T) {
	every(func(cmd *cobra.Command) {
		for line := range strings.Lines(cmd.Example) {
			if err := checkLine(line); err != nil {
				t.Errorf("example of %s: %v", cmd.CommandPath(), err)
			}
		}
	})
}

// checkLine says what is wrong with a line of shell that calls yiyuan; other
// lines are right.
func checkLine(line string) error {
	line, _, _ = strings.Cut(line, " #")
	words := strings.Fields(strings.NewReplacer("'", "", `"`, "").Replace(line))
	if len(words) == 0 || filepath.Base(words[0]) != "yiyuan" {
		return nil
	}
	cmd, rest, err := newRoot().Find(words[1:])
	if err != nil {
		return fmt.Errorf("%q: %w", line, err)
	}
	if cmd.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return fmt.Errorf("%q: %s has no command %q", line, cmd.CommandPath(), rest[0])
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return fmt.Errorf("%q: %w", line, err)
	}
	if cmd.Args != nil {
		return cmd.Args(cmd, cmd.Flags().Args())
	}
	return nil
}

// What a gateway answers decides how the command ends, so that scripts can tell
// "not there" from "not allowed" from "not now".
func TestClientExitCodes(t *testing.T) {
	settingstest.Bare(t)
	const secret, subject = "k-9f3d", "539902198503120013"
	for _, test := range []struct {
		status, want int
		body         string
		says         []string
	}{
		{200, exit.OK, `{"data":{"XM":"张*"}}`, nil},
		{401, exit.Denied, `{"code":"YIYUAN-4011","title":"密钥无效","detail":"密钥不存在 / unknown key","request_id":"r1"}`, []string{"YIYUAN-4011", "unknown key", "r1"}},
		{403, exit.Denied, `{"code":"YIYUAN-4031","title":"没有授权","detail":"没有授权 / no grant","request_id":"r2"}`, []string{"403", "no grant"}},
		{404, exit.NotFound, `{"code":"YIYUAN-4040","title":"查无此记录","detail":"查无此记录 / no such record","request_id":"r3"}`, []string{"YIYUAN-4040"}},
		{
			404, exit.NotFound, `{"code":"YIYUAN-4040","title":"查无此记录","detail":"视图中没有 / none","request_id":"r3","as_of":"2026-09-21T22:13:25.000+08:00","stale":true,"refused":[{"dataset":"GA01","since":"2026-09-20T22:13:25.000+08:00","message":"GA01（公安）有较新的一行被退回 / a newer row of GA01 was refused"}]}`,
			[]string{"YIYUAN-4040", "as of: 2026-09-21T22:13:25.000+08:00", "refused GA01 2026-09-20T22:13:25.000+08:00: GA01（公安）有较新的一行被退回"},
		},
		{422, exit.Problems, `{"code":"YIYUAN-4220","title":"主键无效","detail":"格式不正确 / malformed","request_id":"r4"}`, []string{"YIYUAN-4220"}},
		{429, exit.Unavailable, `{"code":"YIYUAN-4290","title":"超过配额","detail":"用完 / used up","request_id":"r5"}`, []string{"YIYUAN-4290"}},
		{503, exit.Unavailable, `{"code":"YIYUAN-5031","title":"数据正在加载","detail":"正在加载 / loading","request_id":"r6"}`, []string{"YIYUAN-5031"}},
		{502, exit.Unavailable, `<html>`, []string{"502"}},
	} {
		t.Run(fmt.Sprint(test.status, " ", test.want), func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "Bearer "+secret || r.Header.Get("X-Purpose") != "DBHD" {
					t.Errorf("asked with %q for %q", r.Header.Get("Authorization"), r.Header.Get("X-Purpose"))
				}
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			}))
			defer server.Close()
			t.Setenv("YIYUAN_CLIENT_KEY", secret)
			root := newRoot()
			var out bytes.Buffer
			root.SetOut(&out)
			root.SetArgs([]string{"lookup", "person.partial", subject, "--gateway", server.URL, "--purpose", "DBHD"})
			err := root.ExecuteContext(t.Context())
			got := exit.OK
			if err != nil {
				got = exit.Problems
				var coded *exit.Error
				if errors.As(err, &coded) {
					got = coded.Code
				}
				for _, want := range test.says {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("error %q does not say %q", err, want)
					}
				}
				if text := err.Error(); strings.Contains(text, secret) || strings.Contains(text, subject) {
					t.Errorf("error %q shows the key or whom was asked for", text)
				}
			} else if !strings.Contains(out.String(), "张*") {
				t.Errorf("printed %q, want the answer", out.String())
			}
			if got != test.want {
				t.Errorf("exit code %d, want %d (%v)", got, test.want, err)
			}
		})
	}
}

// A listener whose certificate is not believed answers: what is missing is --ca.
func TestClientNamesTheAuthorityThatIsMissing(t *testing.T) {
	settingstest.Bare(t)
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	code, said := ends(t, "lookup", "person.partial", "539902198503120013", "--gateway", server.URL)
	if code != exit.Unavailable || !strings.Contains(said, "--ca") || strings.Contains(said, "is it running") {
		t.Errorf("ends with %d: %s", code, said)
	}
}

// TestClientAsksByBody: whom somebody asks for stands in no address, which every proxy
// on the way keeps, nor in a header.
func TestClientAsksByBody(t *testing.T) {
	settingstest.Bare(t)
	const subject, other, name = "539902198503120013", "539902199001010011", "张三"
	t.Setenv("YIYUAN_CLIENT_KEY", "k-9f3d")
	for _, c := range []struct {
		args []string
		path string
		body string
	}{
		{[]string{"lookup", "person.partial", subject}, "/v1/lookup/person.partial", `{"key":"` + subject + `"}`},
		{[]string{"lookup", "person.partial", subject, other}, "/v1/lookup", `{"keys":["` + subject + `","` + other + `"],"view":"person.partial"}`},
		{[]string{"lookup", "--explain", "person", subject}, "/v1/explain/person", `{"key":"` + subject + `"}`},
		{[]string{"lookup", "--explain", "person.partial", subject}, "/v1/explain/person", `{"key":"` + subject + `"}`},
		{[]string{"verify", "person.verify", subject, "XM=" + name, "CSRQ=1985-03-12"}, "/v1/verify", `{"fields":{"CSRQ":"1985-03-12","XM":"` + name + `"},"key":"` + subject + `","view":"person.verify"}`},
	} {
		asked := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			if r.Method != http.MethodPost || r.RequestURI != c.path || strings.TrimSpace(string(body)) != c.body {
				t.Errorf("%q asks %s %s with %s, want POST %s with %s", c.args, r.Method, r.RequestURI, body, c.path, c.body)
			}
			if head := fmt.Sprint(r.Header); strings.Contains(head, subject) || strings.Contains(head, name) {
				t.Errorf("%q: headers tell whom: %s", c.args, head)
			}
			_, _ = io.WriteString(w, "{}")
		}))
		root := newRoot()
		root.SetOut(io.Discard)
		root.SetArgs(append(c.args, "--gateway", server.URL, "--purpose", "DBHD"))
		if err := root.ExecuteContext(t.Context()); err != nil {
			t.Errorf("%q: %v", c.args, err)
		}
		server.Close()
		if asked != 1 {
			t.Errorf("%q asked %d times", c.args, asked)
		}
	}
}

// Whom somebody asked for must not get into logs by way of a transport error.
func TestClientErrorHidesTheSubject(t *testing.T) {
	settingstest.Bare(t)
	root := newRoot()
	root.SetArgs([]string{"lookup", "person.partial", "539902198503120013", "--gateway", "http://127.0.0.1:1"})
	err := root.ExecuteContext(t.Context())
	if err == nil || strings.Contains(err.Error(), "5399") {
		t.Errorf("error = %v, want one without the number", err)
	}
}
