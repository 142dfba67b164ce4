package document

import "testing"

func TestPlace(t *testing.T) {
	t.Parallel()
	const text = "source: x\nkind: postgres\ndatasets:\n  - A\n  - B\noptions:\n  dsn: env:X\n  tables:\n    ga.t:\n      dataset: A\n      columns: {sfzh: NO}\n  list: [1, 2]\n"
	for path, want := range map[string][2]int{
		"source": {1, 1}, "kind": {2, 1}, "datasets": {3, 1}, "datasets[1]": {5, 5}, "datasets[7]": {3, 1}, "options": {6, 1}, "options.": {6, 1},
		"options.dsn": {7, 3}, "options.missing": {6, 1}, "options.tables.ga.t": {9, 5}, "options.tables.ga.t.dataset": {10, 7},
		"options.tables.ga.t.columns.sfzh": {11, 17}, "options.tables.ga.t.columns.other": {11, 7}, "options.list[1]": {12, 13}, "nothing": {1, 1},
	} {
		if line, column := Place([]byte(text), path); line != want[0] || column != want[1] {
			t.Errorf("%s: %d:%d, want %d:%d", path, line, column, want[0], want[1])
		}
	}
	if line, _ := Place([]byte("a: {"), "a"); line != 0 {
		t.Errorf("no YAML: line %d", line)
	}
	if line, _ := Place(nil, "a"); line != 0 {
		t.Errorf("nothing: line %d", line)
	}
}
