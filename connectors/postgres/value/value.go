// Package value brings the text that PostgreSQL writes of a value into the form that data
// elements read. By snapshot and by stream a row comes with one and the same text (the
// session's settings see to that), so what is done to it here is done to both.
//
// A number is exact: what the server writes with an exponent (real from 1e+06 on, double
// precision from 1e+15 on, and small ones) is written out with all its digits, none of
// them rounded and none invented. An amount of money loses its sign of currency and keeps
// that it is negative. A moment is written in the zone of the table. Of an offset with
// seconds, as local mean time had (Shanghai before 1901: +08:05:43), RFC 3339 knows only
// minutes: it is written with the next whole minute, as the moment that it is (midnight of
// 1900-01-01 as 00:00:17+08:06, and so still of that day). All else passes as it is.
//
// Text forms: PostgreSQL, Data Types, with DateStyle ISO, TimeZone UTC and
// extra_float_digits 1.
package value

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// Place is where a value goes to.
type Place struct {
	Zone *time.Location // of the table: what a timestamp without a zone is in
	Day  bool           // a calendar day: the one that a moment was in Zone
}

// money is the type's oid, for which pgtype has no name.
const money = 790

// Text is the value of a type, a domain's being what it is made of.
func Text(base uint32, raw []byte, to Place) string {
	s := string(raw)
	switch base {
	case pgtype.BoolOID:
		switch s {
		case "t":
			return "true"
		case "f":
			return "false"
		}
	case pgtype.BPCharOID:
		return strings.TrimRight(s, " ")
	case pgtype.Float4OID, pgtype.Float8OID:
		return plain(s)
	case money:
		return amount(s)
	case pgtype.TimestamptzOID:
		if at, err := time.Parse("2006-01-02 15:04:05.999999999Z07", s); err == nil {
			return to.moment(at)
		}
	case pgtype.TimestampOID:
		if at, err := time.ParseInLocation("2006-01-02 15:04:05.999999999", s, to.Zone); err == nil {
			return to.moment(at)
		}
	}
	return s
}

func (p Place) moment(at time.Time) string {
	at = at.In(p.Zone)
	if p.Day {
		return at.Format(time.DateOnly)
	}
	if _, offset := at.Zone(); offset%60 != 0 {
		minutes := int(math.Ceil(float64(offset) / 60))
		at = at.In(time.FixedZone("", minutes*60))
	}
	return at.Format(time.RFC3339Nano)
}

// plain writes 1.2345e+08 as 123450000. What is no such number passes: NaN, Infinity.
func plain(s string) string {
	mantissa, exponent, ok := strings.Cut(s, "e")
	power, err := strconv.Atoi(exponent)
	if !ok || err != nil {
		return s
	}
	sign := ""
	if strings.HasPrefix(mantissa, "-") {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits, point := whole+fraction, len(whole)+power
	switch {
	case point <= 0:
		return sign + "0." + strings.Repeat("0", -point) + digits
	case point >= len(digits):
		return sign + digits + strings.Repeat("0", point-len(digits))
	}
	return sign + digits[:point] + "." + digits[point:]
}

// amount leaves of an amount of money its sign, digits and separators. Which separators,
// and where the sign of currency stands, is as the database's lc_monetary says; some put a
// negative amount in parentheses.
func amount(s string) string {
	number := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '.' || r == ',' {
			return r
		}
		return -1
	}, s)
	if strings.ContainsAny(s, "-(") {
		return "-" + number
	}
	return number
}
