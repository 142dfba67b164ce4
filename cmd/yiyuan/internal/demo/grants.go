package demo

import (
	"crypto/rand"
	"strings"

	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
)

// grants makes the demonstration's applications: one for each scenario, and the
// bureau's own.
func (c *city) grants() (*access.Access, error) {
	all := []access.Application{
		{ID: "MZ-GLJT", Title: "高龄津贴静默认证", Department: "MZ", Grants: grantAll("GLJT", "person.alive", "person.verify")},
		{ID: "MZ-DBHD", Title: "低保核对", Department: "MZ", Grants: grantAll("DBHD", "person.relief", "person.partial", "person.verify")},
		{ID: "JY-RXYJS", Title: "入学一件事", Department: "JY", Grants: grantAll("RXYJS", "person.school", "person.verify")},
		{ID: "SP-QYZX", Title: "企业注销一网办", Department: "SP", Grants: grantAll("QYZX", "enterprise.partial", "enterprise.public", "enterprise.verify")},
	}
	bureau := access.Application{ID: "SJ-JDGL", Title: "数据局监督", Department: "SJ", Purposes: []string{"SUPERVISE"}}
	for _, d := range c.app.Catalogue.Datasets {
		for _, v := range d.Views {
			if v.Name == "partial" || (v.Name == "clear" && d.Class == "A") {
				bureau.Grants = append(bureau.Grants, grantAll("SUPERVISE", v.ID)...)
			}
		}
	}
	for _, e := range c.app.Catalogue.Entities {
		for _, v := range e.Views {
			if v.Name == "partial" || v.Name == "public" || v.Name == "explain" {
				bureau.Grants = append(bureau.Grants, grantAll("SUPERVISE", v.ID)...)
			}
		}
	}
	all = append(all, bureau)
	for i := range all {
		key := strings.ToLower(all[i].ID) + "-" + rand.Text()
		all[i].KeyDigest = access.DigestKey(key)
		shown := gateway.DemoApp{ID: all[i].ID, Title: all[i].Title, Key: key, Department: all[i].Department}
		for _, g := range all[i].Grants {
			shown.Views = append(shown.Views, g.View)
		}
		shown.Purposes = purposesOf(all[i])
		c.apps = append(c.apps, shown)
	}
	return access.New(c.app.Catalogue, all)
}

func grantAll(purpose string, views ...string) []access.Grant {
	out := make([]access.Grant, len(views))
	for i, v := range views {
		out[i] = access.Grant{View: v, Fields: []string{access.AllFields}, Purposes: []string{purpose}}
	}
	return out
}

func purposesOf(a access.Application) []string {
	seen := map[string]bool{}
	var out []string
	add := func(all []string) {
		for _, p := range all {
			if !seen[p] {
				seen[p] = true
				out = append(out, p)
			}
		}
	}
	add(a.Purposes)
	for _, g := range a.Grants {
		add(g.Purposes)
	}
	return out
}
