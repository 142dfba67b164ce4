package format

// City is city.yaml.
var City = mapping(
	need("name", text, "城市的名称", "the city's name"),
	need("english", text, "英文名称", "its name in English"),
	need("region", written(regionCode), "城市的行政区划代码，6 位", "the city's division code, 6 digits"),
	may("regions", list(Region), "下辖的区县；脱敏 district 只留它们的名称，写法见“脱敏”", "the districts below it; the mask district leaves their names, of which addresses stands under Masks"),
	may("clocks", named(nil, number(0, 1000)), "法定时限的名称对应工作日数，如 finding: 10", "legal time limits by name, in working days: finding: 10"),
)

// Region is one district.
var Region = mapping(
	need("code", written(regionCode), "区县的行政区划代码", "the district's division code"),
	need("name", text, "名称", "its name"),
	may("towns", texts, "街道和乡镇的名称，部分遮盖地址时留到这里", "names of streets and towns, to which a partly hidden address is cut"),
)

// Departments is departments.yaml.
var Departments = mapping(need("departments", some(Department), "全部部门", "all departments"))

// Department is one department.
var Department = mapping(
	need("id", written(idName), "部门的代号，如 GA", "the department's id, such as GA"),
	need("title", text, "名称", "its name"),
	may("english", text, "英文名称", "its name in English"),
	need("code", written(creditCode), "统一社会信用代码，18 位", "its unified social credit code, 18 characters"),
)

// Purposes is purposes.yaml.
var Purposes = mapping(need("purposes", list(Purpose), "全部用途；SUPERVISE（监督）不写也有", "all purposes; SUPERVISE is there without being written"))

// Purpose is one purpose.
var Purpose = mapping(
	need("id", written(codeName), "用途的代码，查询时写在 X-Purpose", "its code, which a lookup names in X-Purpose"),
	need("title", text, "名称", "its title"),
	may("english", text, "英文名称", "its title in English"),
	may("basis", text, "法律依据", "the law it rests on"),
	may("scenarios", texts, "属于哪些应用场景", "the scenarios that it belongs to"),
)

// Calendar is calendar-2026.yaml.
var Calendar = mapping(
	need("year", written(year), "哪一年，与文件名相同", "which year, the same as in the file's name"),
	may("holidays", named(day, text), "放假的日期和名称", "days off, each with its name"),
	may("workdays", named(day, text), "调休上班的周末和名称", "weekend days that are worked, each with its name"),
)
