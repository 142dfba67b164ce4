package masking

import "testing"

// TestTakenForAnother: a value that is not of the kind that its element says is not shown
// in the form of that kind.
func TestTakenForAnother(t *testing.T) {
	g := newGazetteer(city(t).City)
	for _, tt := range []struct{ kind, in, want string }{
		{"id_number", "canary-canary-cana", "******************"},
		{"id_number", "53990219850312OO1X", "******************"},
		{"id_number", "53990219850312001X", "539902************"},
		{"id_number", "539902************", "539902************"},
		{"uscc", "539902198503120012", "539902************"}, // a person's number
		{"uscc", "canary-canary-cana", "******************"},
		{"uscc", "CANARYCANARYCANARY", "******************"},
		{"uscc", "91539900MADE00011B", "91539900**********"},
		{"uscc", "91539900**********", "91539900**********"},
		{"bank_card", "539902198503120013", "5399**************"},
		{"bank_card", "539902850312001", "5399***********"},
		{"bank_card", "6222020000000000005", "6222***********0005"},
		{"bank_card", "canarycanarycanary", "******************"},
		{"phone", "1canarycana", "*******"},
		{"phone", "10012345678", "*********78"}, // no mobile telephone begins so
		{"phone", "139****5678", "139****5678"},
		{"phone", "0871-******56", "0871-******56"},
		{"plate", "云Z12345", "云Z****5"},
		{"plate", "11912345", "********"},
		{"plate", "张三丰李四王五", "*******"},
		{"plate", "ABCD123", "*******"},
	} {
		hide := partialOf(tt.kind, g)
		if got := hide(tt.in); got != tt.want {
			t.Errorf("%s shows %q of %q, want %q", tt.kind, got, tt.in, tt.want)
		}
	}
	for in, want := range map[string]string{
		"539902": "539902", "539902001": "539902", "539902001002": "539902", "539902198503120013": "", "5399021": "", "53990": "", "canary": "",
	} {
		if got := regionCode(in); got != want {
			t.Errorf("district of region %q = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"2000-5000": "2000-5000", "0-10": "0-10", "<0": "<0", "0": "0", ">=1000000000000000": ">=1000000000000000", "480.00": "200-500",
		"539902198503120013-1": "", "2000-5001": "", "5000-2000": "", ">=13912345678": "", "canary": "", "": "",
	} {
		if got := bandText(in); got != want {
			t.Errorf("band of %q = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]bool{"1985-1989": true, "40-44": true, "0-4": true, "13912345678-1": false, "1985-1990": false, "1986-1990": false, "19850-19854": false, "": false} {
		if five(in) != want {
			t.Errorf("five(%q) = %v", in, !want)
		}
	}
}
