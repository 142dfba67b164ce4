package contract

// Format is that of what stands in topics and in the state of steps, as this build
// writes it. Since 2 the broker dates records, the source's time is a header, and
// sequences have epochs; buses of before have no Mark.
const Format = 2

// MarkKey is the key of the Mark in the topic Bus.
const MarkKey = "format"

// Mark is what the topic Bus holds under MarkKey.
type Mark struct {
	Format int `json:"format"`
	// Lifted are topics whose retention is lifted until an instant in milliseconds:
	// what a build of before Format 2 wrote there bears the time of its source, and
	// would go as old though it has just been written.
	Lifted map[Topic]int64 `json:"lifted,omitempty"`
}
