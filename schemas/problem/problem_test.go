package problem_test

import (
	"bytes"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// root is the source tree.
const root = "../.."

// TestEveryCodeOnce: a code has one meaning for everybody, in both tongues, and
// is in the documentation.
func TestEveryCodeOnce(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, "docs/reference/errors.md"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, k := range problem.Kinds() {
		if seen[k.Code] {
			t.Errorf("%s is in the table twice", k.Code)
		}
		seen[k.Code] = true
		if http.StatusText(k.Status) == "" || k.Status < 400 {
			t.Errorf("%s has status %d", k.Code, k.Status)
		}
		han := regexp.MustCompile(`\p{Han}`)
		if !han.MatchString(k.Title) || han.MatchString(k.TitleEN) || k.TitleEN == "" || han.MatchString(k.DetailEN) || k.Area != problem.Registry && !han.MatchString(k.Detail) {
			t.Errorf("%s does not say it in both tongues: %q %q %q %q", k.Code, k.Title, k.TitleEN, k.Detail, k.DetailEN)
		}
		if strings.Contains(k.Title+k.Detail+k.TitleEN+k.DetailEN, " / ") {
			t.Errorf("%s joins its tongues", k.Code)
		}
		if half := regexp.MustCompile(`\p{Han}[,;:]`); half.MatchString(k.Title + k.Detail) {
			t.Errorf("%s: half-width punctuation after Chinese: %q", k.Code, k.Detail)
		}
		if !strings.Contains(string(page), "| `"+k.Code+"` |") {
			t.Errorf("%s is not in docs/reference/errors.md: make generate", k.Code)
		}
	}
	if t.Failed() {
		return
	}
	// Callers know these by number.
	for code, kind := range map[string]*problem.Kind{
		"YIYUAN-4000": problem.Request, "YIYUAN-4031": problem.NoGrant, "YIYUAN-4040": problem.Absent, "YIYUAN-4220": problem.Key,
		"YIYUAN-4290": problem.Quota, "YIYUAN-5030": problem.Audit, "YIYUAN-5031": problem.NotLoaded,
	} {
		if kind.Code != code {
			t.Errorf("%s has become %s", code, kind.Code)
		}
	}
}

// TestEveryKindIsUsed: a line of the table that nothing answers is no promise.
// Nor is a code spelled anywhere but in the table.
func TestEveryKindIsUsed(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("table.go")
	if err != nil {
		t.Fatal(err)
	}
	spelled, used := regexp.MustCompile(`(?m)^[^/\n]*"[^"]*YIYUAN-\d{4}[^"]*"`), regexp.MustCompile(`\bproblem\.(\w+)`)
	found := map[string]bool{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || d.Name() == "web" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "schemas/problem/"):
			return nil
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte("YIYUAN-")) && spelled.Match(text) {
			t.Errorf("%s spells a code: use the table", path)
		}
		if bytes.Contains(text, []byte("about:blank")) {
			t.Errorf("%s: a problem's type is its own", path)
		}
		if bytes.Contains(text, []byte("problem.")) { // few files do, and the expression is slow
			for _, m := range used.FindAllSubmatch(text, -1) {
				found[string(m[1])] = true
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(?m)^\t(\w+) += add\(`).FindAllSubmatch(table, -1)
	if len(names) != len(problem.Kinds()) {
		t.Errorf("%d names for %d kinds", len(names), len(problem.Kinds()))
	}
	for _, m := range names {
		if !found[string(m[1])] {
			t.Errorf("nothing answers with problem.%s", m[1])
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	problem.Quota.Of("r-1", problem.At("fields[0]", "未授权 / not granted")).After(1500 * time.Millisecond).Write(w)
	const want = `{"type":"urn:yiyuan:error:YIYUAN-4290","title":"超过配额","title_en":"over quota","status":429,"detail":"每分钟的调用配额已用完",` +
		`"detail_en":"the quota of this minute is used up","code":"YIYUAN-4290","request_id":"r-1",` +
		`"errors":[{"location":"fields[0]","message":"未授权","message_en":"not granted"}]}`
	if w.Code != 429 || w.Body.String() != want || w.Header().Get("Retry-After") != "2" || w.Header().Get("Content-Type") != problem.MediaType {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if got := problem.Busy.Of("").RetryAfter(); got != "1" {
		t.Errorf("Retry-After %q", got)
	}
	if got := problem.Key.Of("").RetryAfter(); got != "" {
		t.Errorf("Retry-After %q with 422", got)
	}
	w = httptest.NewRecorder()
	problem.NoKey.Of("").Write(w)
	if w.Header().Get("WWW-Authenticate") == "" {
		t.Error("401 without WWW-Authenticate")
	}
}

func TestHalves(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"字段未知 / unknown field":     {"字段未知", "unknown field"},
		"没有（某个）/ none (of a kind)": {"没有（某个）", "none (of a kind)"},
		"第 3/ 4 个 / part 3":        {"第 3/ 4 个", "part 3"},
		"3/ 个":                     {"3/ 个", "3/ 个"},
		"a / b":                    {"a / b", "a / b"},
		"只有中文":                     {"只有中文", "只有中文"},
		"":                         {"", ""},
	} {
		if zh, en := problem.Halves(text); zh != want[0] || en != want[1] {
			t.Errorf("Halves(%q) = %q, %q", text, zh, en)
		}
	}
}
