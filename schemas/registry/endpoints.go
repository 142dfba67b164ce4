package registry

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// schemaRequest is what clients send where a schema is wanted.
type schemaRequest struct {
	Schema     string            `json:"schema"`
	Type       string            `json:"schemaType"`
	References []json.RawMessage `json:"references"`
	ID         int               `json:"id"`
	Version    int               `json:"version"`

	refs []reference // References, read
}

// versionAnswer is a version of a subject.
type versionAnswer struct {
	Subject string      `json:"subject"`
	Version int         `json:"version"`
	ID      int         `json:"id"`
	Type    string      `json:"schemaType,omitempty"`
	Refs    []reference `json:"references,omitempty"`
	Schema  string      `json:"schema"`
}

type use struct {
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

func readSchema(req *http.Request) (schemaRequest, error) {
	var s schemaRequest
	if err := read(req, &s, "schema", "schemaType", "references", "id", "version"); err != nil {
		return s, err
	}
	if s.Type != "" && s.Type != "AVRO" {
		return s, &problemError{problem.InvalidSchema, "只支持 AVRO 模式，不支持 " + kindName(s.Type) + " / only schemas of type AVRO are supported, " + kindName(s.Type) + " is not"}
	}
	if s.Schema == "" {
		return s, &problemError{problem.InvalidSchema, "缺少 schema / schema is missing"}
	}
	for i, text := range s.References {
		var ref reference
		strict := json.NewDecoder(bytes.NewReader(text))
		strict.DisallowUnknownFields()
		if strict.Decode(&ref) != nil || ref.Name == "" || ref.Subject == "" || strings.HasPrefix(ref.Subject, ":") {
			return s, &problemError{problem.InvalidSchema, fmt.Sprintf("references[%d]：须有 name、subject、version，且没有别的 / references[%[1]d]: name, subject and version are wanted, and nothing else", i)}
		}
		s.refs = append(s.refs, ref)
	}
	return s, nil
}

// kindName is the type of a schema that a client asked for, if it is one that there is.
func kindName(kind string) string {
	if kind == "JSON" || kind == "PROTOBUF" {
		return kind
	}
	return "?"
}

// metadata says which registry this is, for clients that ask before all else.
func metadata(*http.Request) (any, error) {
	type clusters struct {
		Registry string `json:"schema-registry-cluster"`
	}
	type scope struct {
		Path     []string `json:"path"`
		Clusters clusters `json:"clusters"`
	}
	return struct {
		ID    string `json:"id"`
		Scope scope  `json:"scope"`
	}{"", scope{[]string{}, clusters{"yiyuan"}}}, nil
}

func (r *Registry) answer(v version) versionAnswer {
	s := r.state.ids[v.id]
	return versionAnswer{Subject: v.subject, Version: v.number, ID: v.id, Type: s.kind, Refs: s.refs, Schema: s.text}
}

func (r *Registry) postVersion(req *http.Request) (any, error) {
	s, err := readSchema(req)
	if err != nil {
		return nil, err
	}
	if s.ID > 0 || s.Version > 0 {
		return nil, &problemError{problem.NotPermitted, "不能指定编号或版本 / ids and versions are given by the registry"}
	}
	name, register := req.PathValue("subject"), r.register
	if r.own.inUse(name) {
		register = r.registered
	}
	v, err := register(req.Context(), name, s.Schema, s.refs)
	if err != nil {
		return nil, err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.state.ids[v.id] == nil { // deleted for good a moment ago
		return nil, errVersionNotFound
	}
	return r.answer(v), nil
}

func (r *Registry) postLookup(req *http.Request) (any, error) {
	s, err := readSchema(req)
	if err != nil {
		return nil, err
	}
	name, deleted := req.PathValue("subject"), flag(req, "deleted")
	w, refs, err := r.worded(s.Schema, s.refs)
	if err != nil {
		return nil, err
	}
	_, canonical, err := r.own.examined(name, w, refs)
	if err != nil {
		return nil, err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if sub := r.state.subjects[name]; sub == nil || !deleted && len(sub.live()) == 0 {
		return nil, errSubjectNotFound
	}
	v, ok := r.state.find(name, canonical, deleted)
	if !ok {
		return nil, &problemError{problem.SchemaNotFound, "该主题下没有此模式 / schema not found under the subject"}
	}
	return r.answer(v), nil
}

func (r *Registry) getSubjects(req *http.Request) (any, error) {
	prefix, deleted, only := req.URL.Query().Get("subjectPrefix"), flag(req, "deleted"), deletedOnly(req)
	r.mu.RLock()
	defer r.mu.RUnlock()
	names := []string{}
	for name, sub := range r.state.subjects {
		live := len(sub.live()) > 0
		if strings.HasPrefix(name, prefix) && (only && !live || !only && (live || deleted)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return page(req, names), nil
}

// getSchemas lists versions of all subjects.
func (r *Registry) getSchemas(req *http.Request) (any, error) {
	prefix, deleted, latest := req.URL.Query().Get("subjectPrefix"), flag(req, "deleted"), flag(req, "latestOnly")
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := []versionAnswer{}
	for _, name := range slices.Sorted(maps.Keys(r.state.subjects)) {
		versions := r.state.subjects[name].versions
		if !deleted {
			versions = r.state.subjects[name].live()
		}
		if latest && len(versions) > 1 {
			versions = versions[len(versions)-1:]
		}
		for _, v := range versions {
			if strings.HasPrefix(name, prefix) {
				out = append(out, r.answer(v))
			}
		}
	}
	return page(req, out), nil
}

func (r *Registry) getVersions(req *http.Request) (any, error) {
	deleted, only := flag(req, "deleted"), deletedOnly(req)
	r.mu.RLock()
	defer r.mu.RUnlock()
	sub := r.state.subjects[req.PathValue("subject")]
	out := []int{}
	if sub != nil {
		for _, v := range sub.versions {
			if only && v.deleted || !only && (deleted || !v.deleted) {
				out = append(out, v.number)
			}
		}
	}
	if len(out) == 0 {
		return nil, errSubjectNotFound
	}
	return page(req, out), nil
}

func (r *Registry) getVersion(req *http.Request) (any, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	v, err := r.state.version(req.PathValue("subject"), req.PathValue("version"), flag(req, "deleted"))
	if err != nil {
		return nil, err
	}
	return r.answer(v), nil
}

func (r *Registry) getVersionText(req *http.Request) (any, error) {
	v, err := r.getVersion(req)
	if err != nil {
		return nil, err
	}
	return plain(v.(versionAnswer).Schema), nil
}

// getReferences lists the ids of the schemas that refer to a version.
func (r *Registry) getReferences(req *http.Request) (any, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	deleted := flag(req, "deleted")
	v, err := r.state.version(req.PathValue("subject"), req.PathValue("version"), true)
	if err != nil {
		return nil, err
	}
	ids := r.state.referrers(v.subject, v.number, deleted)
	slices.Sort(ids)
	return page(req, ids), nil
}

func (r *Registry) byID(req *http.Request) (*schema, error) {
	id, err := strconv.ParseInt(req.PathValue("id"), 10, 32)
	if err != nil {
		return nil, &problemError{problem.SchemaNotFound, "模式编号须为整数 / schema id must be a number"}
	}
	return r.schema(req.Context(), int(id))
}

func (r *Registry) getSchema(req *http.Request) (any, error) {
	s, err := r.byID(req)
	if err != nil {
		return nil, err
	}
	out := struct {
		Type   string      `json:"schemaType,omitempty"`
		Refs   []reference `json:"references,omitempty"`
		Schema string      `json:"schema"`
		MaxID  int         `json:"maxId,omitempty"`
	}{s.kind, s.refs, s.text, 0}
	if flag(req, "fetchMaxId") {
		r.mu.RLock()
		out.MaxID = r.state.lastID
		r.mu.RUnlock()
	}
	return out, nil
}

func (r *Registry) getSchemaText(req *http.Request) (any, error) {
	s, err := r.byID(req)
	if err != nil {
		return nil, err
	}
	return plain(s.text), nil
}

// uses returns the versions that have a schema, by subject and number.
func (r *Registry) uses(req *http.Request) ([]use, error) {
	s, err := r.byID(req)
	if err != nil {
		return nil, err
	}
	deleted := flag(req, "deleted")
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := []use{}
	for name, sub := range r.state.subjects {
		for _, v := range sub.versions {
			if v.id == s.id && (deleted || !v.deleted) {
				out = append(out, use{name, v.number})
			}
		}
	}
	slices.SortFunc(out, func(a, b use) int {
		return cmp.Or(strings.Compare(a.Subject, b.Subject), cmp.Compare(a.Version, b.Version))
	})
	return out, nil
}

func (r *Registry) getUses(req *http.Request) (any, error) {
	uses, err := r.uses(req)
	return page(req, uses), err
}

func (r *Registry) getUsers(req *http.Request) (any, error) {
	uses, err := r.uses(req)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(uses))
	for i, u := range uses {
		names[i] = u.Subject
	}
	return page(req, slices.Compact(names)), nil
}

func (r *Registry) removeSubject(req *http.Request) (any, error) {
	return r.deleteSubject(req.Context(), req.PathValue("subject"), flag(req, "permanent"))
}

func (r *Registry) removeVersion(req *http.Request) (any, error) {
	return r.deleteVersion(req.Context(), req.PathValue("subject"), req.PathValue("version"), flag(req, "permanent"))
}

// postCompatibility compares a schema with one version, or with as many as the
// subject's level asks for.
func (r *Registry) postCompatibility(req *http.Request) (any, error) {
	s, err := readSchema(req)
	if err != nil {
		return nil, err
	}
	name, number := req.PathValue("subject"), req.PathValue("version")
	r.mu.RLock()
	level := r.state.level(name, r.own.level(name))
	old := r.state.subjects[name].live()
	if number != "" {
		var v version
		if v, err = r.state.version(name, number, false); err == nil {
			old = []version{v}
		}
	}
	before := r.state.wordings(old)
	r.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	w, refs, err := r.worded(s.Schema, s.refs)
	if err != nil {
		return nil, err
	}
	if _, _, err := r.own.examined(name, w, refs); err != nil {
		return nil, err
	}
	out := struct {
		Is       bool     `json:"is_compatible"`
		Messages []string `json:"messages,omitempty"`
	}{Is: true}
	var incompatible *codec.CompatibilityError
	if err := r.own.compatible(name, level, w, before); errors.As(err, &incompatible) {
		out.Is = false
		if flag(req, "verbose") {
			out.Messages = append(incompatible.Problems, "compatibility: "+level)
		}
	} else if err != nil {
		return nil, err
	}
	return out, nil
}

type levelAnswer struct {
	Level string `json:"compatibilityLevel"`
}

func (r *Registry) getConfig(req *http.Request) (any, error) {
	name := req.PathValue("subject")
	r.mu.RLock()
	defer r.mu.RUnlock()
	switch {
	case name == "":
		return levelAnswer{r.state.global()}, nil
	case r.state.levels[name] != "" || r.own.inUse(name) || flag(req, "defaultToGlobal"):
		return levelAnswer{r.state.level(name, r.own.level(name))}, nil
	}
	return nil, &problemError{problem.LevelNotFound, "该主题没有自己的兼容级别 / subject does not have subject-level compatibility configured"}
}

func (r *Registry) putConfig(req *http.Request) (any, error) {
	var c struct {
		Level string `json:"compatibility"`
	}
	if err := read(req, &c, "compatibility"); err != nil {
		return nil, err
	}
	level := strings.ToUpper(c.Level)
	if !codec.KnownLevel(level) {
		return nil, &problemError{problem.InvalidLevel, "未知的兼容级别 / level must be NONE, BACKWARD, FORWARD or FULL, the last three also with _TRANSITIVE"}
	}
	name := req.PathValue("subject")
	if name != "" {
		if err := checkSubject(name); err != nil {
			return nil, err
		}
	}
	c.Level = level
	switch fixed := r.own.level(name); {
	case fixed == level:
		return c, nil // as it is
	case fixed != "":
		return nil, r.own.levelKept(name)
	}
	return c, r.setLevel(req.Context(), name, level)
}

// deleteConfig answers with the level that held, under the names that older and
// newer clients look for.
func (r *Registry) deleteConfig(req *http.Request) (any, error) {
	name := req.PathValue("subject")
	if r.own.inUse(name) {
		return nil, r.own.levelKept(name)
	}
	r.mu.RLock()
	before, set := r.state.levels[name]
	if name == "" {
		before, set = r.state.global(), true
	}
	r.mu.RUnlock()
	if !set {
		return nil, &problemError{problem.LevelNotFound, "该主题没有自己的兼容级别 / subject does not have subject-level compatibility configured"}
	}
	if err := r.resetLevel(req.Context(), name); err != nil {
		return nil, err
	}
	return struct {
		levelAnswer
		Old string `json:"compatibility"`
	}{levelAnswer{before}, before}, nil
}
