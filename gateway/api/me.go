package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/catalog"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
)

type mePage struct {
	App             string      `json:"app"`
	Title           string      `json:"title"`
	Department      string      `json:"department"`
	DepartmentTitle string      `json:"department_title"`
	Purposes        []mePurpose `json:"purposes"`
	Views           []meView    `json:"views"`
}

type mePurpose struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	English string `json:"english"`
}

type meView struct {
	ID       string       `json:"id"`
	Title    string       `json:"title"`
	Only     string       `json:"only,omitempty"`
	Fields   []meField    `json:"fields"`
	KeyTitle string       `json:"key_title"`
	Purposes []string     `json:"purposes"`
	Until    *answer.Time `json:"until"`
	Quota    int          `json:"quota" doc:"每分钟，0 为不限 / a minute, 0 = no limit"`
}

type meField struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Kind  string `json:"kind"`
}

// me answers GET /v1/me.
func (s *API) me(ctx context.Context, _ *struct{}) (*of[mePage], error) {
	who, p := s.Desk.Page(ctx, "me").Who(ctx)
	if p != nil {
		return nil, p
	}
	purposes, grants := s.Access.Grants(who)
	out := mePage{App: who.ID(), Title: who.Title(), Department: who.Department(), Purposes: []mePurpose{}, Views: []meView{}}
	if d, err := s.Catalogue.Department(out.Department); err == nil {
		out.DepartmentTitle = d.Title
	}
	for _, id := range purposes {
		line := mePurpose{ID: id, Title: "监督", English: "Supervision"}
		if p, err := s.Catalogue.Purpose(id); err == nil {
			line.Title, line.English = p.Title, p.English
		}
		out.Purposes = append(out.Purposes, line)
	}
	for _, grant := range grants {
		if v := s.Views[grant.View]; v != nil {
			out.Views = append(out.Views, forMe(v, grant))
		}
	}
	return &of[mePage]{out}, nil
}

func forMe(v *view.View, grant access.Grant) meView {
	line := meView{
		ID: v.ID, Title: v.Title, Only: v.Only, Fields: []meField{}, KeyTitle: v.KeyTitle(),
		Purposes: grant.Purposes, Until: catalog.Moment(grant.Until), Quota: grant.Quota,
	}
	for _, name := range access.Fields(v.View) {
		if slices.Contains(grant.Fields, name) || slices.Contains(grant.Fields, access.AllFields) {
			title, kind := v.Describe(name)
			line.Fields = append(line.Fields, meField{name, title, kind})
		}
	}
	return line
}

// bindMe binds what an application is told of itself.
func bindMe(s *API, api huma.API) {
	huma.Register(api, operation(http.MethodGet, "/v1/me", "me", "应用 Application", "本应用及其授权 / this application and its grants"), s.me)
}
