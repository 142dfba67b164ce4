package identifier

// LuhnCheck returns the check digit of a number of decimal digits (ISO/IEC 7812-1,
// annex B), as bank cards have it behind them.
func LuhnCheck(body string) byte {
	sum := 0
	for i := range len(body) {
		d := int(body[len(body)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10)
}
