package grants

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas/document"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// What is declared of access.yaml is what is read of it.
func TestFormIsWhatIsRead(t *testing.T) {
	t.Parallel()
	for form, of := range map[*document.Form]reflect.Type{application: reflect.TypeFor[fileApplication](), grant: reflect.TypeFor[fileGrant]()} {
		var read []string
		for i := range of.NumField() {
			read = append(read, of.Field(i).Tag.Get("yaml"))
		}
		if !slices.Equal(read, form.Names()) {
			t.Errorf("%s reads %v, %v are declared", of, read, form.Names())
		}
	}
}

// Who made a mistake sees where, and all that could stand there.
func TestFaultsHaveTheirPlace(t *testing.T) {
	t.Parallel()
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "access.yaml")
	digest := "sha256:" + strings.Repeat("0a", 32)
	text := `# 应用 / applications
applications:
  - id: MZ-DBHD
    department: MZZ
    key_digest: ` + digest + `
    grants:
      - {view: person.partial, fields: [GMSFHM, XN], purposes: [DBHD, DBHX]}
      - view: person.parcial
        fields: ["*"]
        purposes: [DBHD]
  - {id: GA-A, department: GA, grants: []}
`
	quota := func(q string) string {
		return strings.Replace(text, "purposes: [DBHD, DBHX]}", "purposes: [DBHD], quota: "+q+"}", 1)
	}
	for _, c := range []struct {
		text string
		want []string
	}{
		{text, []string{path + `:11:5: application "GA-A": key_digest: 应为 sha256:`}},
		{strings.Replace(text, "grants: []", "key_digest: "+digest, 1), []string{
			path + `:4:17: application "MZ-DBHD": 部门 "MZZ" 不存在，是否想写 MZ；可用：GA MZ RS WJ `,
			path + `:7:49: application "MZ-DBHD": 视图 person.partial 的字段 "XN" 不存在，是否想写 XM；可用：GMSFHM XM `,
			path + `:7:71: application "MZ-DBHD": 用途 "DBHX" 不存在，是否想写 DBHD；可用：GLJT DBHD `,
			path + `:8:15: application "MZ-DBHD": 视图 "person.parcial" 不存在，是否想写 person.partial；可用：person.partial `, `（61，GET /v1/catalogue）`,
		}},
		// What a decoder takes for a number, or for none, and nobody reads as that: no limit, or another one.
		{quota("0.5"), []string{path + ":7:79: quota 应是 1 到 2147483647 的整数", "quota must be a whole number of 1 to 2147483647, in plain digits"}},
		{quota("2.9"), []string{path + ":7:79: quota "}},
		{quota("1e3"), []string{path + ":7:79: quota "}},
		{quota(`"600"`), []string{path + ":7:79: quota "}},
		{quota("0x10"), []string{path + ":7:79: quota "}},
		{quota("010"), []string{path + ":7:79: quota "}},
		{quota("0"), []string{path + ":7:79: quota "}},
		{quota("-1"), []string{path + ":7:79: quota "}},
		{quota("3000000000"), []string{path + ":7:79: quota "}},
		{quota("null"), []string{path + ":7:79: quota 没有值", "quota has no value: give it one, or take it out"}},
		{strings.Replace(text, "department: MZZ", "department: MZ\n    until:", 1), []string{path + ":5:11: until 没有值"}},
		{strings.Replace(text, digest, "sha256:12", 1), []string{path + `:5:17: application "MZ-DBHD": key_digest: 应为 sha256: 和 64 位十六进制数字 / want`}},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := Load(path, cat)
		if err == nil {
			t.Errorf("it was taken:\n%s", c.text)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("Load = %v\nwant %q", err, want)
			}
		}
	}
}
