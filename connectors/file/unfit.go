package file

import (
	"fmt"
)

// unfit says why nothing may be taken behind what was taken, "" if it may.
func (s *setting) unfit(at position) string {
	switch {
	case at.foreign(s.dataset):
		return fmt.Sprintf("此前取的是数据集 %[1]s 的行，现在配置的是 %[2]s：哪些行已交付、哪些该删除都无从得知，因此停住，不取文件。请把%[3]s放进 %[4]s，再从头重读；或把数据集改回 %[1]s"+
			" / what was taken is of dataset %[1]s, and it is to be %[2]s now: nobody knows what of that was delivered and what is gone, so it stands still and takes no file. Put %[5]s into %[4]s and have it read again, or set the dataset back to %[1]s",
			at.Of, s.dataset.ID, s.wanted(true), s.options.Dir, s.wanted(false))
	case !s.replace() || at.Loose == "":
		return ""
	case at.Loose == looseCut:
		return fmt.Sprintf("有一个整张表的文件取了一部分后不能再读，已取的行的主键没有留存：其后的文件删不掉它们，因此停住，不取文件。请把%[1]s放进 %[2]s，再从头重读"+
			" / a file of the whole table could not be read on after some of its rows had been taken, and their keys are not kept: later files could not delete them, so it stands still and takes no file. Put %[3]s into %[2]s and have it read again",
			s.wanted(true), s.options.Dir, s.wanted(false))
	}
	return fmt.Sprintf("此前以 mode: append 取的行没有留存主键，现在 mode 是 replace：整张表的文件里没有它们也删不掉，因此停住，不取文件。请把%[1]s放进 %[2]s，再从头重读；或把 mode 改回 append"+
		" / rows were taken in mode append, of which no keys are kept, and the mode is replace now: a file of the whole table that lacks them could not delete them, so it stands still and takes no file. Put %[3]s into %[2]s and have it read again, or set mode back to append",
		s.wanted(true), s.options.Dir, s.wanted(false))
}

// wanted is what is put into the folder for a source that is read again.
func (s *setting) wanted(chinese bool) string {
	switch {
	case s.replace() && chinese:
		return "整张表的最新文件"
	case s.replace():
		return "the newest file of the whole table"
	case chinese:
		return "全部文件"
	}
	return "all of its files"
}
