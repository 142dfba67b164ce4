package quarantine

// Anew begins to read the topic once more.
func Anew(b *Book) { b.anew() }
