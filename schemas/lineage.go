package schemas

// Lineage is what the bus knows of the catalogues before this one: what was published
// under them may stand in topics and caches still. Package lineage makes it; its zero
// value is that nothing was in force before. It is immutable once made.
type Lineage struct {
	// Withdrawn are, by the version of an earlier catalogue, the views that it had and
	// this one has not: what was published of them is taken back.
	Withdrawn map[string][]*View
	// Known are, by the id of a view, the catalogues under which it was as it is now.
	Known map[string]Known
}

// Known says of a view since when it has been as it is now: what was published of it
// before may show more than it does, or say it masked while it is not.
type Known struct {
	Step     int             // how many catalogues came into force before that, 0 = all of them had it so
	Versions map[string]bool // of the catalogues since
}

// Believes reports whether a record that was published of a view under a version of the
// catalogue is what the view shows now.
func (l *Lineage) Believes(view, version string) bool {
	if l == nil {
		return true
	}
	k := l.Known[view]
	return k.Step == 0 || k.Versions[version]
}

// Left returns the views that are to be taken back of what was last published under a
// version. Of one that is not known it is all that were ever withdrawn.
func (l *Lineage) Left(version string) []*View {
	if views, known := l.Withdrawn[version]; known || len(l.Withdrawn) == 0 {
		return views
	}
	var all []*View
	seen := map[string]bool{}
	for _, views := range l.Withdrawn {
		for _, v := range views {
			if !seen[v.ID] {
				seen[v.ID] = true
				all = append(all, v)
			}
		}
	}
	return all
}
