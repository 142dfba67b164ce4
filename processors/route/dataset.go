package route

import (
	"time"

	"github.com/yiyuan-bus/yiyuan/processors/masking"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// dataset is how the rows of one dataset are taken.
type dataset struct {
	*schemas.Dataset
	prefix []byte // of its state keys
	reader *codec.Reader
	writer *codec.Writer // of normalised rows, the same subject as the raw topic
	links  []link
	views  []view
	left   masking.Withdrawn // views that it has no more

	since   time.Time // of one that has come back: when; what is older in its topic is of nobody
	lost    bool      // the catalogue has it no more
	unknown bool      // and nobody knows what it was
}

// link is one entity that a row speaks about.
type link struct {
	role    string
	entity  string
	column  int
	element *schemas.Element
	inner   *schemas.Element // of the entity's key, where the field may hold other numbers too
	finds   bool             // codes of no set are found about the entity
	topic   contract.Topic
	writer  *codec.Writer
}

// view is one masked projection of the row.
type view struct {
	topic      contract.Topic
	columns    []int // of the dataset, that it shows
	compare    bool  // different rows may look the same in it
	projection *masking.Projection
	writer     *codec.Writer
}
