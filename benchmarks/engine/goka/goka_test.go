package main

import (
	"encoding/binary"
	"errors"
	"reflect"
	"testing"
)

// The hashes are those of Kafka's own Utils.murmur2.
func TestMurmur2(t *testing.T) {
	for key, want := range map[string]int32{"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536, "a-little-bit-longer-string": -1486304829} {
		m := &murmur2{}
		if _, err := m.Write([]byte(key)); err != nil {
			t.Fatal(err)
		}
		if got, want := m.Sum32(), uint32(want)&0x7fffffff; got != want {
			t.Errorf("murmur2 of %q = %d, want %d", key, got, want)
		}
	}
}

func TestMasks(t *testing.T) {
	place := func(town bool) func(string) string {
		return func(s string) string { return maskPlace(s, town) }
	}
	for _, c := range []struct {
		mask     func(string) string
		in, want string
	}{
		{maskID, "539902198001010019", "539902************"},
		{maskName, "张三", "张*"},
		{maskName, "张三丰", "张**"},
		{maskName, "欧阳", "欧*"},
		{maskName, "欧阳修", "欧阳*"},
		{maskName, "阿不都·热合曼", "阿**·***"},
		{maskName, "欧阳·某某", "欧*·**"},
		{maskName, "𠮷野家", "𠮷**"},
		{maskName, "李", "*"},
		{maskPhone, "18012341999", "180****1999"},
		{maskPhone, "12345", "*******"},
		{place(true), "云岭市岭东区青石镇和平路1号", "云岭市岭东区青石镇***"},
		{place(false), "云岭市岭东区青石镇和平路1号", "云岭市岭东区"},
		{place(true), "云岭市望江县某地", "云岭市望江县***"},
		{place(false), "某地", "***"},
	} {
		if got := c.mask(c.in); got != c.want {
			t.Errorf("mask of %q = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestNumber(t *testing.T) {
	const key = "11010519491231002X"
	if !checked(key) || checked("110105194912310021") {
		t.Errorf("checked(%q) = %v, and with another digit %v", key, checked(key), checked("110105194912310021"))
	}
	if got := born(key); got != -7306 {
		t.Errorf("born(%q) = %d, want -7306", key, got)
	}
}

func TestRow(t *testing.T) {
	s, err := parseSchema("7:snSN")
	if err != nil {
		t.Fatal(err)
	}
	want := row{{text: []byte("王芳")}, {number: -1945}, {null: true}, {number: 1 << 40}}
	b := s.frame(nil)
	for i, c := range want {
		b = appendCell(b, s.columns[i], c)
	}
	got := make(row, len(want))
	if err := got.read(s, b); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read = %v, %v, want %v", got, err, want)
	}
	for n := range b {
		if err := got.read(s, b[:n]); err == nil {
			t.Errorf("read took the first %d of %d bytes", n, len(b))
		}
	}
	binary.BigEndian.PutUint32(b[1:], 8)
	if err := got.read(s, b); !errors.Is(err, errSchema) {
		t.Errorf("read of another schema = %v", err)
	}
}

func TestDossier(t *testing.T) {
	want := dossier{version: 1 << 40, golden: 1 << 63, values: 2}
	want.rules[1] = standing{open, 5}
	want.said[pensions] = statement{value: []byte("row"), major: 3, at: -4}
	var got dossier
	if got.load(want.append(nil)); !reflect.DeepEqual(got, want) {
		t.Errorf("load = %+v, want %+v", got, want)
	}
}
