package registry

// The modes that a registry, or a subject of it, can be in: one that is read only
// registers, deletes and judges by no other level through the API. They are for
// moving to another registry. The bus's own processes write to the log and are not
// held up by them.
const (
	readWrite        = "READWRITE"
	readOnly         = "READONLY"
	readOnlyOverride = "READONLY_OVERRIDE" // of the whole registry, whatever its subjects are in
)

func knownMode(mode string) bool {
	return mode == readWrite || mode == readOnly || mode == readOnlyOverride
}
