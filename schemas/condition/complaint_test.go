package condition

import (
	"errors"
	"testing"
)

// Each kind of complaint is provoked: does cel-go still begin it so? What is not known by its
// beginning would say no more than that something is wrong.
func TestComplaints(t *testing.T) {
	env, _ := bench(t)
	for text, want := range map[string][2]string{
		`size(GA99) > 0`: {
			`表达式第 1 行第 6 列：没有 "GA99"；可用的变量：GA01 RS01 WJ02 key now today`,
			`1:6: undeclared reference to "GA99". Known variables: GA01 RS01 WJ02 key now today`,
		},
		"true &&\n  GA01[0].XMM == key": {`表达式第 2 行第 10 列：没有字段 "XMM"`, `2:10: undefined field 'XMM'`},
		`GA01[0].XM == 1`: {
			`表达式第 1 行第 12 列：== 不能用于这些类型：(wrapper(string), int)。代码和文本加引号，数值不加`,
			`1:12: found no matching overload for '_==_' applied to '(wrapper(string), int)'`,
		},
		`!key`:               {`表达式第 1 行第 1 列：! 不能用于这些类型：(string)。代码和文本加引号，数值不加`, `1:1: found no matching overload for '!_' applied to '(string)'`},
		`id_birth(1) == now`: {`表达式第 1 行第 9 列：函数 "id_birth" 不能用于这些类型：(int)`, `1:9: found no matching overload for 'id_birth' applied to '(int)'`},
		`key = "1"`: {
			`表达式第 1 行第 5 列：语法有误，核对括号、引号和运算符（相等是 ==）；表达式第 1 行第 7 列：语法有误，核对括号、引号和运算符（相等是 ==）`,
			`1:5: syntax error: token recognition error at: '= '; 1:7: syntax error: extraneous input '"1"' expecting <EOF>`,
		},
		`dayz(now, 3) < now`: {
			`表达式第 1 行第 5 列：没有函数 "dayz"；CEL 自有函数之外可用：coalesce days earliest first id_birth id_ok id_sex latest name_norm uscc_ok workdays_after`,
			`1:5: unknown function "dayz". Known beside CEL's own: coalesce days earliest first id_birth id_ok id_sex latest name_norm uscc_ok workdays_after`,
		},
		`now`: {`结果是 timestamp，应为 bool`, `yields timestamp, want bool`},
	} {
		_, err := env.Compile(text, Bool, nil)
		var wrong *CompileError
		if !errors.As(err, &wrong) {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := [2]string{wrong.Chinese(), wrong.Error()}; got != want {
			t.Errorf("%s: said\n%q\nwant\n%q", text, got, want)
		}
	}
	_, err := env.Compile(`size(WJ02) > 0 && size(RS01) > 0`, Bool, map[string]bool{"GA01": true, "RS01": true})
	if want := `1:6: reads "WJ02", which is not among its inputs`; err == nil || err.Error() != want {
		t.Errorf("what is no input: %v, want %s", err, want)
	}
}
