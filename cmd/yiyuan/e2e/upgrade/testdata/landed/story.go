package main

import (
	"bytes"
	encoding "encoding/csv"
	"fmt"
	"maps"
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas/identifier"
)

// person is a row of GA01. Its number is of a region that is assigned to nobody.
func person(n int, name, address string) map[string]string {
	born := fmt.Sprintf("19%02d0312", 50+n%50)
	number := fmt.Sprintf("539902%s%03d", born, n)
	return map[string]string{
		"GMSFHM": number + string(identifier.CitizenCheck(number)), "XM": name, "XBDM": string('0' + rune(2-n%2)), "MZDM": "01", "CSRQ": born[:4] + "-03-12",
		"HJDXZQHDM": "539902", "HJDZ": address, "ZXBZ": "0",
		"YHZGXDM": "", "HYZKDM": "", "CSZBH": "", "ZXYY": "", "ZXRQ": "",
	}
}

var surnames = [...]string{"欧阳", "王", "李", "司马", "张", "陈"}

func people(from, to int) []map[string]string {
	var rows []map[string]string
	for n := from; n < to; n++ {
		rows = append(rows, person(n, surnames[n%len(surnames)]+"建国", fmt.Sprintf("云岭市岭东区东关街道和平路%d号", n)))
	}
	return rows
}

// company is a row of SC01, its name written with the brackets of a Chinese keyboard.
func company(n int, name string) map[string]string {
	subject := fmt.Sprintf("MA%06d", 100+n)
	subject += string(identifier.OrgCodeCheck(subject))
	code := "91539902" + subject
	return map[string]string{
		"TYSHXYDM": code + string(identifier.USCCCheck(code)), "JGMC": name, "FDDBRXM": "王建国", "FDDBRZJHM": person(n, "", "")["GMSFHM"],
		"ZCZB": "100", "CLRQ": "2020-01-02", "DJZTDM": "1", "ZS": fmt.Sprintf("云岭市岭东区东关街道和平路%d号", n),
		"BZDM": "", "HZRQ": "", "HYDM": "",
	}
}

func companies(n int) []map[string]string {
	var rows []map[string]string
	for i := range n {
		rows = append(rows, company(i, fmt.Sprintf("云岭（岭东）第%d贸易有限公司", i)))
	}
	return rows
}

func pension(n int, amount string) map[string]string {
	return map[string]string{"GMSFHM": person(n, "", "")["GMSFHM"], "DYZTDM": "1", "YDY": amount}
}

// with returns a row with some of its cells said otherwise.
func with(row map[string]string, cells ...string) map[string]string {
	row = maps.Clone(row)
	for i := 0; i < len(cells); i += 2 {
		row[cells[i]] = cells[i+1]
	}
	return row
}

// story is what the city was given, one after the other.
func story() []delivery {
	register := people(0, 30)
	wrong := []byte(register[3]["GMSFHM"])
	wrong[17] = "0123456789X"[(bytes.IndexByte([]byte("0123456789X"), wrong[17])+1)%11]
	register[3]["GMSFHM"] = string(wrong)                           // a finding: its check digit
	register[5]["XM"] = "阿依古丽•买买提"                                  // another middle dot than most use
	register[6]["HJDZ"] = "云岭市岭东区东关街道和平路６号"                         // digits of a Chinese keyboard
	register = append(register, with(person(30, "", ""), "XM", "")) // refused: no name
	table := companies(12)
	renamed := companies(11)
	renamed[1]["JGMC"] = "云岭（岭东）新名贸易有限公司"
	var pensions []map[string]string
	for n := range 10 {
		if n != 3 {
			pensions = append(pensions, pension(n, "3000.00"))
		}
	}
	return []delivery{
		{Source: "ga-files", Dataset: "GA01", Name: "ga-1.csv", Rows: register, Bad: []int{len(register) - 1}},
		{Source: "sc-files", Dataset: "SC01", Name: "sc-1.csv", Replace: true, Rows: table},
		{Source: "rs-push", Dataset: "RS02", Key: "k1", Rows: pensions},
		{Source: "ga-files", Dataset: "GA01", Name: "ga-2.csv", Rows: []map[string]string{
			with(register[1], "XM", "王改名"), with(register[2], "HJDZ", "云岭市岭东区文庙街道人民路2号"), person(31, "李新来", "云岭市岭东区东关街道和平路31号"),
		}},
		{Source: "sc-files", Dataset: "SC01", Name: "sc-2.csv", Replace: true, Rows: renamed},
		{Source: "rs-push", Dataset: "RS02", Key: "k2", Rows: []map[string]string{pension(1, "3100.50")}},
		{Source: "rs-push", Dataset: "RS02", Key: "k3", Delete: true, Rows: []map[string]string{pension(9, "")}},
	}
}

// last is what it was killed over.
func last() delivery {
	rows := people(40, 60)
	return delivery{Source: "ga-files", Dataset: "GA01", Name: "ga-3.csv", Rows: append(rows, with(person(4, "张改名", ""), "HJDZ", "云岭市岭东区东关街道和平路4号"))}
}

// csv writes rows, their columns in the order of their names.
func csv(rows []map[string]string) []byte {
	var b bytes.Buffer
	w := encoding.NewWriter(&b)
	names := slices.Sorted(maps.Keys(rows[0]))
	_ = w.Write(names) // to memory
	for _, row := range rows {
		var cells []string
		for _, n := range names {
			cells = append(cells, row[n])
		}
		_ = w.Write(cells)
	}
	w.Flush()
	return b.Bytes()
}
