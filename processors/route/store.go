package route

import "github.com/yiyuan-bus/yiyuan/processors"

// load reads the image under s.key into scratch memory.
func (s *stage) load(tx processors.Tx) (m image, known bool, err error) {
	stored, err := tx.Get(s.key)
	if err != nil || stored == nil {
		return image{}, false, err
	}
	s.last = append(s.last[:0], stored...)
	m, err = parseImage(s.last)
	return m, err == nil, err
}

func (s *stage) store(tx processors.Tx, m image) {
	s.buffer = m.append(s.buffer[:0])
	tx.Put(s.key, s.buffer)
}

func (s *stage) flush(tx processors.Tx) {
	for i := range s.out {
		tx.Emit(s.out[i])
	}
	clear(s.out)
	s.out = s.out[:0]
}
