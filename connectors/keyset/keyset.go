// Package keyset is what all sources share that read a table in the order of its keys and go
// on behind one: the query for the rows behind a key, in each database's words, and the key in
// a position, where nobody can read it.
package keyset

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Dialect is how a database writes a query.
type Dialect struct {
	Quote func(name string) string
	Param func(n int) string // of the nth parameter, from 1
	// Tuples says that (a, b) > ($1, $2) is understood, and answered from the key's index.
	// Elsewhere it is spelled out.
	Tuples bool
}

// Select asks for the rows of a table behind a key, in the order of the keys.
type Select struct {
	Columns []string // what is read
	Table   string   // as SQL
	Where   []string // further conditions, as SQL
	Keys    []string // columns of the key
	// From and To are the first and the last key that is asked for, nil = open; Limit is how many
	// rows at the most, 0 = all.
	From, To []string
	Limit    int
}

// Query returns the query for the rows behind a key, and its parameters; a key of another
// length is none, and asks for all rows. Columns of a key hold no null.
func (d Dialect) Query(s Select, behind []string) (query string, params []string) {
	where := append([]string(nil), s.Where...)
	keys := d.quoted(s.Keys)
	hold := func(operator string, values []string) bool {
		if len(values) != len(keys) || len(keys) == 0 {
			return false
		}
		var condition string
		condition, params = d.compare(keys, operator, values, params)
		where = append(where, condition)
		return true
	}
	if !hold(">", behind) {
		hold(">=", s.From)
	}
	hold("<=", s.To)
	query = "SELECT " + strings.Join(d.quoted(s.Columns), ", ") + " FROM " + s.Table
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	query += " ORDER BY " + strings.Join(keys, ", ")
	if s.Limit > 0 {
		query += fmt.Sprintf(" LIMIT %d", s.Limit)
	}
	return query, params
}

func (d Dialect) quoted(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = d.Quote(n)
	}
	return out
}

// compare holds a key against a value. Where tuples are not understood it is spelled out: the
// first column decides, and the next where it is equal.
func (d Dialect) compare(keys []string, operator string, values, params []string) (condition string, all []string) {
	param := func(value string) string {
		params = append(params, value)
		return d.Param(len(params))
	}
	if d.Tuples {
		marks := make([]string, len(keys))
		for i, v := range values {
			marks[i] = param(v)
		}
		return "(" + strings.Join(keys, ", ") + ") " + operator + " (" + strings.Join(marks, ", ") + ")", params
	}
	var either []string
	for i := range keys {
		var each []string
		for j := range i {
			each = append(each, keys[j]+" = "+param(values[j]))
		}
		strict := operator
		if i < len(keys)-1 {
			strict = operator[:1]
		}
		either = append(either, strings.Join(append(each, keys[i]+" "+strict+" "+param(values[i])), " AND "))
	}
	return "(" + strings.Join(either, " OR ") + ")", params
}

// Seal encrypts a key of the source table: positions travel in a topic that
// holds no personal values. Without a keyring there is no key in the position.
func Seal(cfg connectors.Config, key []string) (string, error) {
	aead, err := sealer(cfg)
	if aead == nil || err != nil {
		return "", err
	}
	plain, err := json.Marshal(key)
	if err != nil {
		return "", fmt.Errorf("seal key: %w", err)
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return "", fmt.Errorf("seal key: %w", err)
	}
	return base64.StdEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, []byte(cfg.Name))), nil
}

// Unseal returns nil when there is no key or it cannot be read any more: the
// table is then read from its start.
func Unseal(cfg connectors.Config, sealed string) []string {
	aead, err := sealer(cfg)
	if aead == nil || err != nil {
		return nil
	}
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(raw) < aead.NonceSize() {
		return nil
	}
	plain, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], []byte(cfg.Name))
	if err != nil {
		return nil
	}
	var key []string
	if json.Unmarshal(plain, &key) != nil {
		return nil
	}
	return key
}

func sealer(cfg connectors.Config) (cipher.AEAD, error) {
	if cfg.Keys == nil {
		return nil, nil //nolint:nilnil // no keys, no sealer: the caller asks
	}
	block, err := aes.NewCipher(cfg.Keys.Digest(contract.LabelPosition, cfg.Name))
	if err != nil {
		return nil, fmt.Errorf("make key cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("make key cipher: %w", err)
	}
	return aead, nil
}
