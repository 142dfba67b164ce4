package stagetest

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Decode reads any framed value under the schema it names.
func (c *City) Decode(value []byte) (schemas.Record, error) {
	id, err := codec.SchemaID(value)
	if err != nil {
		return schemas.Record{}, err
	}
	r := c.readers[id]
	if r == nil {
		text, err := c.Registry.Schema(context.Background(), id)
		if err != nil {
			return schemas.Record{}, err
		}
		l, err := codec.ParseSchema(text)
		if err != nil {
			return schemas.Record{}, err
		}
		r = c.Codec.Reader(l)
		c.readers[id] = r
	}
	return r.Decode(context.Background(), value)
}

// Render writes emitted records for a story, one a line: topic, key, and the
// columns that are not null. skip names columns that are left out. Of golden records
// and views only the fields in about are shown, all if it is nil: a field that others
// add changes no story that is not about it.
func (c *City) Render(records []bus.Record, about []string, skip ...string) string {
	var b strings.Builder
	for _, r := range records {
		fmt.Fprintf(&b, "%s %s", r.Topic, shortKey(string(r.Topic), string(r.Key)))
		if said := r.Header(contract.Settled); said != nil {
			fmt.Fprintf(&b, " settled %s\n", said)
			continue
		}
		if r.Value == nil {
			b.WriteString(" gone\n")
			continue
		}
		rec, err := c.Decode(r.Value)
		if err != nil {
			fmt.Fprintf(&b, " unreadable: %v\n", err)
			continue
		}
		fields := about
		if family, _ := r.Topic.Family(); family != contract.FamilyResolved && family != contract.FamilyShared {
			fields = nil
		}
		b.WriteString(text(rec, fields, skip))
		b.WriteByte('\n')
	}
	return b.String()
}

// shortKey keeps keyed tokens and digests out of stories' way.
func shortKey(topic, key string) string {
	if strings.HasPrefix(key, "t1.") || strings.HasPrefix(key, "t2.") {
		return key[:7] + "…"
	}
	if topic == string(contract.Findings) && len(key) == 32 {
		return key[:4] + "…"
	}
	return key
}

// Text writes the columns of a record that are not null, but those that skip names.
func Text(r schemas.Record, skip ...string) string { return text(r, nil, skip) }

func text(r schemas.Record, about, skip []string) string {
	shown := func(name string) bool {
		return !slices.Contains(skip, name) && (about == nil || slices.Contains(about, name))
	}
	var b strings.Builder
	for i, c := range r.Layout().Columns {
		v := r.Value(i)
		switch {
		case v.IsNull() || c.Type == schemas.String && v.Str() == "":
		case c.Name == "_cells" || c.Name == "cells": // a row for each field
			b.WriteString(rowsText(c.Name, v.Records(), func(row schemas.Record) string {
				switch {
				case !shown(row.Get("field").Str()):
					return ""
				case row.Layout().Name == "Cell":
					return cellText(row)
				}
				return Text(row, skip...)
			}))
		case !shown(c.Name):
		case c.Type == schemas.Rows:
			b.WriteString(rowsText(c.Name, v.Records(), func(row schemas.Record) string { return Text(row, skip...) }))
		default:
			fmt.Fprintf(&b, " %s=%s", c.Name, textOf(c, v))
		}
	}
	return b.String()
}

// rowsText writes a column of rows, those of which there is something to say.
func rowsText(name string, rows []schemas.Record, tell func(schemas.Record) string) string {
	var said []string
	for _, row := range rows {
		if line := tell(row); line != "" {
			said = append(said, line)
		}
	}
	if len(said) == 0 {
		return ""
	}
	return " " + name + "=[" + strings.Join(said, " |") + " ]"
}

// cellText writes why one cell is what it is: field, dataset, rank and reason,
// then who lost, why and with what.
func cellText(r schemas.Record) string {
	var b strings.Builder
	_, rank, _ := strings.Cut(r.Get("rule").Str(), "/")
	fmt.Fprintf(&b, " %s<%s#%s %s", r.Get("field").Str(), r.Get("dataset").Str(), rank, r.Get("reason").Str())
	if flag := r.Get("flag").Str(); flag != "" {
		fmt.Fprintf(&b, " (%s)", flag)
	}
	for _, l := range r.Get("losers").Records() {
		fmt.Fprintf(&b, ", not %s %s:%s", l.Get("dataset").Str(), l.Get("reason").Str(), l.Get("value").Str())
	}
	return b.String()
}

func textOf(c schemas.Column, v schemas.Value) string {
	switch c.Type {
	case schemas.Date:
		return v.Time(schemas.Date).Format(time.DateOnly)
	case schemas.Timestamp:
		return v.Time(schemas.Timestamp).Format("2006-01-02T15:04:05")
	case schemas.Boolean:
		return strconv.FormatBool(v.Int64() != 0)
	case schemas.Double:
		return strconv.FormatFloat(v.Float64(), 'g', -1, 64)
	case schemas.Bytes:
		return hex.EncodeToString([]byte(v.Str()))[:min(8, 2*len(v.Str()))] + "…"
	case schemas.Decimal:
		n := strconv.FormatInt(v.Int64(), 10)
		for len(n) <= c.Scale {
			n = "0" + n
		}
		return strings.TrimSuffix(n[:len(n)-c.Scale]+"."+n[len(n)-c.Scale:], ".")
	case schemas.Long:
		return strconv.FormatInt(v.Int64(), 10)
	default:
		if strings.HasPrefix(v.Str(), "t1.") {
			return v.Str()[:7] + "…"
		}
		return v.Str()
	}
}

// Final returns the last record of each key of a topic, tombstones left out: what
// the compacted topic holds in the end.
func (c *City) Final(records []bus.Record, topic contract.Topic) (map[string]schemas.Record, error) {
	final := make(map[string]schemas.Record)
	var errs []error
	for _, r := range records {
		if r.Topic != topic {
			continue
		}
		if r.Value == nil {
			delete(final, string(r.Key))
			continue
		}
		rec, err := c.Decode(r.Value)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		final[string(r.Key)] = rec
	}
	return final, errors.Join(errs...)
}
