package schemas_test

import (
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// TestProvince: a city's code says its province, and a city that moves to another is
// another place to the masks.
func TestProvince(t *testing.T) {
	t.Parallel()
	for code, want := range map[string][2]string{
		"539900": {"云南省", "云南"}, "150200": {"内蒙古自治区", "内蒙古"}, "650100": {"新疆维吾尔自治区", "新疆"}, "450100": {"广西壮族自治区", "广西"},
		"640100": {"宁夏回族自治区", "宁夏"}, "540100": {"西藏自治区", "西藏"}, "110000": {"北京市", "北京"}, "810000": {"香港特别行政区", "香港"}, "990000": {"", ""}, "5": {"", ""},
	} {
		long := schemas.City{Region: code}.Province()
		if short := schemas.ShortProvince(long); long != want[0] || short != want[1] {
			t.Errorf("%s is in %q, for short %q; want %q", code, long, short, want)
		}
	}
	here, there := schemas.City{Name: "示范市", Region: "539900"}, schemas.City{Name: "示范市", Region: "519900"}
	if here.SamePlaces(there) || !here.SamePlaces(schemas.City{Name: "示范市", Region: "530100"}) {
		t.Error("SamePlaces does not go by the province")
	}
}
