package contract

// Route is the name of the step that gives each row to the entities it speaks of:
// its group, the label in metrics and what its changelog is called by, see State.
const Route = "route"

// Resolve is the name of the step that makes the golden records of an entity.
func Resolve(entity string) string { return "resolve." + entity }
