package push

import "github.com/yiyuan-bus/yiyuan/connectors"

// Reread says how a source of this kind is read again: what was pushed is not kept, so nobody but its department can say it again.
var Reread = connectors.Reread{
	Cannot: "推送来的数据本系统没有留存，不能重读；请该部门把全部行再推一次（删除的行推 delete） / what was pushed is not kept and cannot be read again: have the department push all its rows once more, and a delete for each that it has no more",
}
