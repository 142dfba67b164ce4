package embedded

import (
	"errors"
	"testing"
)

// A folder is one broker's: another one over it, which would put back what the first has
// written, is refused before it has touched anything, and gets it after the first has ended.
func TestFolderIsOneBrokers(t *testing.T) {
	dir := t.TempDir()
	first, err := Start(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if second, err := Start(t.Context(), Options{Dir: dir}); !errors.Is(err, ErrInUse) {
		if second != nil {
			second.Close()
		}
		t.Fatalf("a second broker over the folder: %v", err)
	}
	first.Close()
	again, err := Start(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	again.Close()
	if _, err := Start(t.Context(), Options{Dir: dir, Listen: "nowhere.invalid:1"}); err == nil {
		t.Fatal("a broker listens at nowhere")
	}
	if again, err = Start(t.Context(), Options{Dir: dir}); err != nil {
		t.Fatalf("after one that did not start: %v", err)
	}
	again.Close()
}
