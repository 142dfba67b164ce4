package value_test

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"pgregory.net/rapid"

	"github.com/yiyuan-bus/yiyuan/connectors/postgres/value"
)

const money = 790

func shanghai(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// TestText: what PostgreSQL 15 wrote of each value, and what becomes of it.
func TestText(t *testing.T) {
	zone := shanghai(t)
	for _, c := range []struct {
		base      uint32
		raw, want string
		day       bool
	}{
		{pgtype.BoolOID, "t", "true", false},
		{pgtype.BoolOID, "f", "false", false},
		{pgtype.BPCharOID, "ab  ", "ab", false},
		{pgtype.TextOID, "ab  ", "ab  ", false},
		{pgtype.NumericOID, "12345678901234567890.10", "12345678901234567890.10", false},
		{pgtype.Float4OID, "1e+06", "1000000", false},
		{pgtype.Float4OID, "1.2345679e+08", "123456790", false},
		{pgtype.Float4OID, "999999", "999999", false},
		{pgtype.Float4OID, "1e-05", "0.00001", false},
		{pgtype.Float4OID, "-1.5e-05", "-0.000015", false},
		{pgtype.Float8OID, "1e+15", "1000000000000000", false},
		{pgtype.Float8OID, "1.234567890123457e+15", "1234567890123457", false},
		{pgtype.Float8OID, "1.2345678901234568e+16", "12345678901234568", false},
		{pgtype.Float8OID, "5e-324", "0." + strings.Repeat("0", 323) + "5", false},
		{pgtype.Float8OID, "NaN", "NaN", false},
		{pgtype.Float8OID, "-Infinity", "-Infinity", false},
		{money, "$1,000.00", "1,000.00", false},
		{money, "-$1,000.50", "-1,000.50", false},
		{money, "-￥0.05", "-0.05", false},
		{money, "($3.00)", "-3.00", false},
		{money, "￥-12.00", "-12.00", false},
		{money, "-1.234,50 €", "-1.234,50", false}, // refused by the element, in its own words
		{pgtype.TimestamptzOID, "2026-06-01 00:00:00+00", "2026-06-01T08:00:00+08:00", false},
		{pgtype.TimestamptzOID, "1986-05-04 03:00:00.123456+00", "1986-05-04T12:00:00.123456+09:00", false},
		{pgtype.TimestamptzOID, "1899-12-31 15:54:17+00", "1900-01-01T00:00:17+08:06", false},
		{pgtype.TimestamptzOID, "1899-12-31 15:54:17+00", "1900-01-01", true},
		{pgtype.TimestamptzOID, "infinity", "infinity", false},
		{pgtype.TimestamptzOID, "0044-03-15 00:00:00+00 BC", "0044-03-15 00:00:00+00 BC", false},
		{pgtype.TimestampOID, "1900-01-01 00:00:00", "1900-01-01T00:00:17+08:06", false},
		{pgtype.TimestampOID, "1900-01-01 00:00:00", "1900-01-01", true},
		{pgtype.TimestampOID, "2026-06-01 23:59:59.999", "2026-06-01T23:59:59.999+08:00", false},
		{pgtype.DateOID, "1949-10-01", "1949-10-01", true},
	} {
		if got := value.Text(c.base, []byte(c.raw), value.Place{Zone: zone, Day: c.day}); got != c.want {
			t.Errorf("%q of type %d = %q, want %q", c.raw, c.base, got, c.want)
		}
	}
}

// TestExact: a number written out is the number that the server wrote, by arithmetic of
// fractions, and has no exponent.
func TestExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, bits, base := rapid.Float64().Draw(t, "float"), 64, uint32(pgtype.Float8OID)
		if rapid.Bool().Draw(t, "real") {
			f, bits, base = float64(rapid.Float32().Draw(t, "real value")), 32, pgtype.Float4OID
		}
		if math.IsInf(f, 0) || math.IsNaN(f) {
			return
		}
		raw := strconv.FormatFloat(f, 'e', -1, bits) // the shortest that names the number, as the server's
		got := value.Text(base, []byte(raw), value.Place{})
		want, ok := new(big.Rat).SetString(raw)
		is, fine := new(big.Rat).SetString(got)
		if !ok || !fine || want.Cmp(is) != 0 || strings.ContainsAny(got, "eE") {
			t.Fatalf("%s is written %s", raw, got)
		}
	})
}

// TestMoments: a moment stays the moment it was, in every year and zone.
func TestMoments(t *testing.T) {
	zones := []*time.Location{time.UTC, shanghai(t)}
	for _, name := range []string{"Asia/Urumqi", "Europe/Amsterdam", "Africa/Monrovia"} { // offsets with seconds until 1927, 1937, 1972
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		zones = append(zones, zone)
	}
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMicro(rapid.Int64Range(-4_000_000_000_000_000, 4_000_000_000_000_000).Draw(t, "moment")).UTC()
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		got := value.Text(pgtype.TimestamptzOID, []byte(at.Format("2006-01-02 15:04:05.999999999")+"+00"), value.Place{Zone: zone})
		is, err := time.Parse(time.RFC3339Nano, got)
		if err != nil || !is.Equal(at) {
			t.Fatalf("%v in %v is written %s (%v)", at, zone, got, err)
		}
		day := value.Text(pgtype.TimestamptzOID, []byte(at.Format("2006-01-02 15:04:05.999999999")+"+00"), value.Place{Zone: zone, Day: true})
		if y, m, d := at.In(zone).Date(); day != time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Format(time.DateOnly) {
			t.Fatalf("%v in %v is day %s", at, zone, day)
		}
	})
}
