package world

import "strconv"

// The codes of the city: its four districts and the city itself, none of them
// assigned in GB/T 2260, so that no number made here can be a real one.
const cityCode = "539900"

var districts = [4]struct {
	code, name string
	towns      [4]string
}{
	{"539902", "岭东区", [4]string{"东关街道", "文庙街道", "翠湖街道", "青石镇"}},
	{"539903", "岭西区", [4]string{"西关街道", "金桥街道", "河畔街道", "白塔镇"}},
	{"539921", "望江县", [4]string{"望江镇", "柳林镇", "沙河乡", "龙潭乡"}},
	{"539922", "石屏坝县", [4]string{"石屏镇", "坝心镇", "红土乡", "云台彝族乡"}},
}

var streets = [...]string{
	"人民路", "建设路", "解放路", "文化路", "环城路", "滨江路", "翠湖路", "学府路", "云岭大道", "青年路",
	"和平路", "民主路", "团结路", "新华路", "东风路", "金桥路", "白塔路", "龙泉路", "兴隆街", "永安街",
}

// building is the k-th standard address of block n, unique in the city.
func building(n, k int) string {
	d := &districts[n%4]
	return "云岭市" + d.name + d.towns[n/4%4] + streets[n/16%len(streets)] + strconv.Itoa(n/(16*len(streets))+1) + "号" + strconv.Itoa(k+1) + "栋"
}
