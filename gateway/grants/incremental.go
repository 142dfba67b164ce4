package grants

import (
	"errors"
	"runtime"
	"strings"
	"sync"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
)

// parser parses a file again in the time that its changes take: an application
// whose lines have not changed is taken as it was. A file that is not a plain
// list of applications, or has an error, is parsed whole, so that an error
// names its line.
type parser struct {
	known map[string]access.Application // by its lines
	fresh int                           // how many applications the last parse has read
}

func (p *parser) parse(text []byte) ([]access.Application, error) {
	blocks, ok := split(string(text))
	if !ok {
		return p.whole(text)
	}
	out := make([]access.Application, len(blocks))
	next := make(map[string]access.Application, len(blocks))
	var fresh []int
	for i, b := range blocks {
		if app, ok := p.known[b]; ok {
			out[i], next[b] = app, app
		} else {
			fresh = append(fresh, i)
		}
	}
	if err := parseBlocks(blocks, fresh, out); err != nil {
		return p.whole(text)
	}
	for _, i := range fresh {
		next[blocks[i]] = out[i]
	}
	p.known, p.fresh = next, len(fresh)
	return out, nil
}

// whole parses all of a file. What is known of lines stays true.
func (p *parser) whole(text []byte) ([]access.Application, error) {
	apps, err := Parse(text)
	if err == nil {
		p.fresh = len(apps)
	}
	return apps, err
}

// errBlock says that some lines are not one application.
var errBlock = errors.New("not one application")

// parseBlocks parses those of blocks that fresh names into out, on every processor.
func parseBlocks(blocks []string, fresh []int, out []access.Application) error {
	var work sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), len(fresh))
	failed := make([]error, workers)
	for w := range workers {
		work.Go(func() {
			for n := w; n < len(fresh) && failed[w] == nil; n += workers {
				i := fresh[n]
				apps, err := Parse([]byte(head + blocks[i]))
				if err == nil && len(apps) != 1 {
					err = errBlock
				}
				if err == nil {
					out[i] = apps[0]
				}
				failed[w] = err
			}
		})
	}
	work.Wait()
	return errors.Join(failed...)
}

const head = "applications:\n"

// split cuts a file into the lines of each application. It reports false if the
// file is not what most are: the line "applications:", then items of a list that
// all begin in one column, and nothing to the left of it but comments.
func split(text string) ([]string, bool) {
	var blocks []string
	begin, column, headed := -1, -1, false
	at := 0
	for line := range strings.Lines(text) {
		from := at
		at += len(line)
		bare := strings.TrimRight(line, " \r\n")
		if strings.ContainsRune(bare, '\t') {
			return nil, false
		}
		body := strings.TrimLeft(bare, " ")
		indent := len(bare) - len(body)
		switch {
		case body == "" || body[0] == '#':
		case !headed:
			if name, _, comment := strings.Cut(bare, "#"); strings.TrimRight(name, " ") != "applications:" || comment && !strings.HasSuffix(name, " ") {
				return nil, false
			}
			headed = true
		case body[0] == '-' && (body == "-" || body[1] == ' ') && (column < 0 || indent == column):
			if begin >= 0 {
				blocks = append(blocks, text[begin:from])
			}
			begin, column = from, indent
		case column < 0 || indent <= column:
			return nil, false
		}
	}
	if begin >= 0 {
		blocks = append(blocks, text[begin:])
	}
	return blocks, begin >= 0
}
