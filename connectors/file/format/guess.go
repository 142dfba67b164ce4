package format

import "unicode/utf8"

// guess is what a file's bytes look like.
type guess uint8

const (
	guessASCII guess = iota
	guessUTF8        // also with some damaged bytes
	guessGB
	guessBig5
	guessUnclear
)

// tally counts what speaks for one charset or another. Every byte is looked at
// in two ways: as UTF-8, and as the pairs that GB18030 and Big5 have in common.
// Nearly any text decodes as GB18030, so that alone says nothing: text of one
// charset read as the other consists of characters that nobody uses.
type tally struct {
	two, more, bad int // UTF-8: sequences of two bytes, of more, and bytes of none
	latin          int // of two: Latin letters and signs, and not Greek, Cyrillic, ...
	carry          []byte

	pairs, four int  // GB18030: of two bytes, of four
	odd         int  // of pairs: outside of what GB 2312 has characters and signs for
	broken      int  // bytes of neither
	big5Broken  int  // of pairs: none in Big5
	big5Common  int  // of pairs: signs and the 5,401 common characters of Big5
	lead        byte // first byte of a pair
	quad        int  // bytes of a four-byte character that are to come
}

// feed counts the next bytes of a file.
func (t *tally) feed(b []byte) {
	t.gb(b)
	if len(t.carry) > 0 {
		b = append(t.carry, b...)
	}
	cut := len(b) - incomplete(b)
	t.utf8(b[:cut])
	t.carry = append([]byte(nil), b[cut:]...)
}

// end counts what the end of the file has cut.
func (t *tally) end() {
	t.bad += len(t.carry)
	t.carry = nil
	if t.lead != 0 || t.quad > 0 {
		t.broken++
	}
}

func (t *tally) utf8(b []byte) {
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRune(b[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			t.bad++
		case size == 2:
			t.two++
			if r < 0x250 {
				t.latin++
			}
		default:
			t.more++
		}
		i += size
	}
}

func (t *tally) gb(b []byte) {
	for _, c := range b {
		switch {
		case t.quad > 0:
			t.quad--
		case t.lead != 0:
			t.pair(t.lead, c)
			t.lead = 0
		case c < utf8.RuneSelf:
		case c == 0x80 || c == 0xFF:
			t.broken++
		default:
			t.lead = c
		}
	}
}

func (t *tally) pair(lead, c byte) {
	switch {
	case c >= '0' && c <= '9':
		t.four++
		t.quad = 2
		return
	case c < 0x40 || c == 0x7F || c == 0xFF:
		t.broken++
		return
	}
	t.pairs++
	if c < 0xA1 || lead < 0xA1 || lead > 0xF7 || lead > 0xA3 && lead < 0xB0 {
		t.odd++
	}
	switch {
	case lead < 0xA1 || lead > 0xF9 || c > 0x7E && c < 0xA1:
		t.big5Broken++
	case lead <= 0xC6:
		t.big5Common++
	}
}

// guess says what the bytes look like.
func (t *tally) guess() guess {
	all := t.pairs + t.four
	gb := t.broken*50 <= all && (t.odd*4 <= all || all < 8 && t.broken == 0)
	switch {
	case t.two+t.more+t.bad == 0:
		return guessASCII
	case t.bad == 0 && t.more > 0:
		return guessUTF8
	case t.bad == 0:
		// Sequences of two bytes are common characters of GB18030 as well.
		common := t.broken == 0 && t.odd*4 <= all
		switch {
		case !common:
			return guessUTF8
		case t.latin < t.two:
			return guessGB
		}
		return guessUnclear
	case t.more*3 > t.bad:
		return guessUTF8
	case t.big5Broken*50 <= t.pairs && t.odd*4 > t.pairs && t.big5Common*10 >= t.pairs*7 && t.pairs > 0 && t.broken*50 <= all && t.four == 0:
		return guessBig5
	case gb:
		return guessGB
	}
	return guessUnclear
}

// incomplete counts the bytes at the end of b that begin a UTF-8 character
// whose rest is not there yet.
func incomplete(b []byte) int {
	for n := 1; n <= min(3, len(b)); n++ {
		c := b[len(b)-n]
		if utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}
