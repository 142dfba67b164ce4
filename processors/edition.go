package processors

import (
	"bytes"
	"strconv"
)

// KeyVersions are the versions of a key ring: the one that tokens are made with,
// and the oldest one held. *keyring.Keyring has them.
type KeyVersions interface {
	Current() int
	Oldest() int
}

// revision numbers what the code itself decides of a published record beside the
// catalogue: it rises with a build whose masks show less, or otherwise, than those
// of the build before, so that what stands in the topics is published again.
//
//	1 (not written)  places outside of the views masked by kind
//	2                by the element's own mask and level; numbers made of identity numbers
//	3                numbers of persons that were written into texts
//	4                addresses by what they begin with; names of organisations by their form;
//	                 values that are not of the kind that their element says
const revision = "~4"

// Edition names what a published record depends on beside its content: the
// period of the catalogue (schemas.Catalogue.Period), the revision of the code and that of the key which its tokens are made with.
// The oldest key is not named: a city that never rotated its keys has none in it.
func Edition(catalogue string, keys KeyVersions) []byte {
	return EditionOf(catalogue, keys.Current(), keys)
}

// EditionOf is the edition of what is published under tokens of another version of the key.
func EditionOf(catalogue string, version int, keys KeyVersions) []byte {
	e := []byte(catalogue + revision)
	if version != keys.Oldest() {
		e = strconv.AppendInt(append(e, '#'), int64(version), 10)
	}
	return e
}

// CatalogueOf returns the period of the catalogue that an edition names.
func CatalogueOf(edition []byte) string {
	of, _, _ := bytes.Cut(edition, []byte{'#'})
	of, _, _ = bytes.Cut(of, []byte{'~'})
	return string(of)
}

// SameCatalogue reports whether two editions are of one catalogue.
func SameCatalogue(a, b []byte) bool {
	of, _, _ := bytes.Cut(a, []byte{'#'})
	of2, _, _ := bytes.Cut(b, []byte{'#'})
	return bytes.Equal(of, of2)
}

// KeyVersion returns the version of the key that an edition names.
func KeyVersion(edition []byte, keys KeyVersions) int {
	if _, version, named := bytes.Cut(edition, []byte{'#'}); named {
		if n, err := strconv.Atoi(string(version)); err == nil {
			return n
		}
	}
	return keys.Oldest()
}
