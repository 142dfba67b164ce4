package codec

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/hamba/avro/v2"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// parse reads a schema of the profile, which is one that may be registered: a record of at
// most MaxFields fields and MaxDepth records deep, without recursion, made of
// string, int, long, boolean, float, double, bytes, date, timestamp-millis,
// uuid, decimal of at most 18 digits, arrays of records that have fields, and
// unions of null and one of these. No two fields of a record differ only by
// case (SQL folds it), and no alias is a second name of another field. The
// error is ErrProfile and names the place.
func parse(schema string) (*record, error) {
	tree, err := readTree(schema)
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	p := profiler{names: map[string]*record{}}
	rec, err := p.record(tree, "", "")
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	// Only now, bounded in every way, does the schema reach hamba/avro, with a
	// cache of its own: the default one is shared, unbounded and remembers names.
	if _, err := avro.ParseBytesWithCache([]byte(schema), "", &avro.SchemaCache{}); err != nil {
		return nil, fmt.Errorf("read schema: %w", &profileError{zh: "不是合法的 Avro 模式", en: "not a valid Avro schema: " + err.Error()})
	}
	return rec, nil
}

type profiler struct {
	names map[string]*record // by full name; nil while the record is open
}

var simpleName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

func checkName(path, name string) error {
	if !simpleName.MatchString(name) {
		return &profileError{path, "名称只能是字母、数字、下划线，且不以数字开头，不超过 128 个字符", "a name is letters, digits and underscores, no digit first, at most 128"}
	}
	if name == "__proto__" {
		return &profileError{path, "名称不可用", "this name cannot be used"}
	}
	return nil
}

func checkFullName(path, full string) error {
	for part := range strings.SplitSeq(full, ".") {
		if err := checkName(path, part); err != nil {
			return err
		}
	}
	return nil
}

// record reads a record definition.
func (p *profiler) record(node any, path, enclosing string) (*record, error) {
	object, ok := node.(map[string]any)
	if !ok || object["type"] != "record" {
		return nil, &profileError{path, "须为 record 类型", "must be a record"}
	}
	name, _ := object["name"].(string)
	namespace, _ := object["namespace"].(string)
	if err := checkFullName(path, name); err != nil {
		return nil, err
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name, namespace = name[i+1:], name[:i]
	} else if namespace == "" {
		namespace = enclosing
	}
	r := &record{name: name, namespace: namespace, attrs: attributes(object), size: 0, depth: 1}
	if err := checkFullName(path, r.fullName()); err != nil {
		return nil, err
	}
	if path == "" {
		path = r.fullName()
	}
	if _, taken := p.names[r.fullName()]; taken {
		return nil, &profileError{path, "记录名重复定义", "the record " + r.fullName() + " is defined twice"}
	}
	var err error
	if r.doc, err = docOf(object, path); err != nil {
		return nil, err
	}
	if r.aliases, err = aliasesOf(object, path); err != nil {
		return nil, err
	}
	for i, alias := range r.aliases {
		r.aliases[i] = fullName(namespace, alias)
		if err := checkFullName(path, r.aliases[i]); err != nil {
			return nil, err
		}
	}
	nodes, ok := object["fields"].([]any)
	if !ok || len(nodes) == 0 {
		return nil, &profileError{path, "记录须有字段", "a record must have fields"}
	}
	p.names[r.fullName()] = nil
	names := map[string]bool{} // lower case: no two fields may differ only by case
	for i, node := range nodes {
		f, err := p.field(node, path, i, namespace)
		if err != nil {
			return nil, err
		}
		at := path + "." + f.name
		for _, name := range append([]string{f.name}, f.aliases...) {
			low := strings.ToLower(name)
			if names[low] {
				return nil, &profileError{at, "字段名或别名重复（不区分大小写）", "a name or alias stands twice, case aside"}
			}
			names[low] = true
		}
		r.size++
		if f.rows != nil {
			r.size += f.rows.size
			r.depth = max(r.depth, 1+f.rows.depth)
		}
		if r.size > MaxFields {
			return nil, &profileError{at, fmt.Sprintf("字段超过 %d 个", MaxFields), fmt.Sprintf("more than %d fields", MaxFields)}
		}
		if r.depth > MaxDepth {
			return nil, &profileError{at, fmt.Sprintf("嵌套超过 %d 层", MaxDepth), fmt.Sprintf("more than %d records inside one another", MaxDepth)}
		}
		r.fields = append(r.fields, f)
	}
	p.names[r.fullName()] = r
	return r, nil
}

func (p *profiler) field(node any, parent string, i int, namespace string) (field, error) {
	path := fmt.Sprintf("%s[%d]", parent, i)
	object, ok := node.(map[string]any)
	if !ok {
		return field{}, &profileError{path, "字段须为对象", "a field must be an object"}
	}
	f := field{null: -1, attrs: attributes(object)}
	f.name, _ = object["name"].(string)
	if err := checkName(path, f.name); err != nil {
		return field{}, err
	}
	path = parent + "." + f.name
	var err error
	if f.doc, err = docOf(object, path); err != nil {
		return field{}, err
	}
	if f.aliases, err = aliasesOf(object, path); err != nil {
		return field{}, err
	}
	for _, alias := range f.aliases {
		if err := checkName(path, alias); err != nil {
			return field{}, err
		}
	}
	typ := object["type"]
	if union, ok := typ.([]any); ok {
		if len(union) != 2 || (union[0] == "null") == (union[1] == "null") {
			return field{}, &profileError{path, "联合类型只能是 null 加一种类型", "a union must be null and one other type"}
		}
		if typ = union[0]; union[0] == "null" {
			f.null, typ = 0, union[1]
		} else {
			f.null = 1
		}
	}
	if err := p.typ(&f, typ, path, namespace); err != nil {
		return field{}, err
	}
	if def, ok := object[attrDefault]; ok {
		if err := f.setDefault(def, path); err != nil {
			return field{}, err
		}
	}
	return f, nil
}

// typ reads the type of a field, null aside.
func (p *profiler) typ(f *field, node any, path, namespace string) error {
	object, _ := node.(map[string]any)
	name, _ := node.(string)
	if object != nil {
		if name, _ = object["type"].(string); name == "record" {
			return &profileError{path, "记录只能放在数组里", "a record may stand in an array only"}
		}
	}
	logical := ""
	if lt, ok := object["logicalType"]; ok {
		if logical, ok = lt.(string); !ok || logical == "" {
			return &profileError{path, "logicalType 须为文字", "logicalType must be a string"}
		}
	}
	switch name + "/" + logical {
	case "string/", "string/uuid":
		f.typ, f.wire = schemas.String, wireString
	case "int/":
		f.typ, f.wire = schemas.Long, wireInt
	case "int/date":
		f.typ, f.wire = schemas.Date, wireInt
	case "long/":
		f.typ, f.wire = schemas.Long, wireLong
	case "long/timestamp-millis":
		f.typ, f.wire = schemas.Timestamp, wireLong
	case "boolean/":
		f.typ, f.wire = schemas.Boolean, wireBoolean
	case "float/":
		f.typ, f.wire = schemas.Double, wireFloat
	case "double/":
		f.typ, f.wire = schemas.Double, wireDouble
	case "bytes/":
		f.typ, f.wire = schemas.Bytes, wireBytes
	case "bytes/decimal":
		f.typ, f.wire = schemas.Decimal, wireDecimal
		var ok1, ok2 bool
		f.precision, ok1 = integer(object, "precision")
		f.scale, ok2 = integer(object, "scale")
		if !ok1 || !ok2 || f.precision < 1 || f.precision > 18 || f.scale < 0 || f.scale > f.precision {
			return &profileError{path, "decimal 的精度须为 1 至 18，小数位不超过精度", "a decimal has 1 to 18 digits and no more of them after the point"}
		}
	case "array/":
		return p.rows(f, object["items"], path, namespace)
	default:
		return &profileError{path, "不支持的类型", "type " + describe(name, logical) + " is outside the profile"}
	}
	return nil
}

// rows reads the items of an array: a record, or the name of one above.
func (p *profiler) rows(f *field, items any, path, namespace string) error {
	f.typ, f.wire = schemas.Rows, wireRows
	name, isName := items.(string)
	if !isName {
		rec, err := p.record(items, path+"[]", namespace)
		f.rows = rec
		return err
	}
	rec, known := p.names[fullName(namespace, name)]
	switch {
	case !known:
		return &profileError{path, "数组元素须为记录", "items of an array must be a record"}
	case rec == nil:
		return &profileError{path, "模式不能递归", "a schema must not be recursive"}
	}
	f.rows = rec
	return nil
}

func describe(name, logical string) string {
	if name == "" {
		name = "(none)"
	}
	if len(name) > 40 || !simpleName.MatchString(strings.ReplaceAll(name, ".", "_")) {
		return "of that name"
	}
	if logical != "" {
		return fmt.Sprintf("%s with logicalType %.40q", name, logical)
	}
	return name
}
