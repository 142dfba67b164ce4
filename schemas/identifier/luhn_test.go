package identifier

import "testing"

func TestLuhnCheck(t *testing.T) {
	for number, want := range map[string]byte{"7992739871": '3', "123456781234567": '0', "0": '0', "": '0'} {
		if got := LuhnCheck(number); got != want {
			t.Errorf("%s: %c, want %c", number, got, want)
		}
	}
}
