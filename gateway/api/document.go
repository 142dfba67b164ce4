package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// finish completes the page: what is described by hand, what may be answered to each
// operation, and which need no key where the pages about the exchange are open.
func finish(api *huma.OpenAPI, open bool) {
	describeDocuments(api)
	api.Components.Headers = headers()
	for _, path := range api.Paths {
		for _, o := range []*huma.Operation{path.Get, path.Post} {
			if o == nil {
				continue
			}
			if open && o.Method == http.MethodGet && o.Security == nil && !slices.Contains(o.Parameters, purpose) && o.OperationID != "me" {
				o.Security = []map[string][]string{{"key": {}}, {}}
			}
			describeRefusals(o)
		}
	}
	all := api.Components.Schemas.Map()
	delete(all, "ErrorModel") // huma's own, which nobody is answered
	delete(all, "ErrorDetail")
	for _, s := range all {
		// What is asked twice is refused where the question is read: huma's own check
		// would end at members that cannot be compared, such as {}.
		if fields := s.Properties["fields"]; fields != nil && fields.MinItems != nil && fields.Items != nil && fields.Items.Type == huma.TypeString {
			fields.Extensions = map[string]any{"uniqueItems": true}
		}
	}
	for name, s := range all["Problem"].Properties {
		if name == "code" {
			s.Pattern = `^YIYUAN-\d{4}$`
		}
	}
}

// describeDocuments describes this page itself, in its forms.
func describeDocuments(api *huma.OpenAPI) {
	for path, kind := range map[string]string{
		"/openapi.json": "application/openapi+json", "/openapi-3.0.json": "application/openapi+json",
		"/openapi.yaml": "application/openapi+yaml", "/openapi-3.0.yaml": "application/openapi+yaml",
	} {
		schema := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
		if strings.HasSuffix(path, "yaml") {
			schema = &huma.Schema{} // some readers take YAML for text, others for what it says
		}
		o := may(huma.Operation{
			Method: http.MethodGet, Path: path, OperationID: strings.NewReplacer("/", "", ".", "_", "-", "_").Replace(path), Tags: []string{health}, Summary: "接口说明 / this description",
			Security: []map[string][]string{{}}, Responses: map[string]*huma.Response{"200": {
				Description: "OK", Content: map[string]*huma.MediaType{kind: {Schema: schema}},
			}},
		}, ofForm)
		api.AddOperation(&o)
	}
}
