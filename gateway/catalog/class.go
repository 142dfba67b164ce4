package catalog

// Class is a class of sharing.
type Class struct {
	ID      string `json:"id" enum:"A,B,C"`
	Title   string `json:"title"`
	English string `json:"english"`
	Apply   string `json:"apply" doc:"如何申请 / how to apply, in Chinese"`
	ApplyEN string `json:"apply_en" doc:"how to apply, in English"`
}

// classes are those of the rules on sharing of government data. Nobody changes them.
var classes = []Class{
	{
		"A", "无条件共享", "shared without conditions",
		"向数据局登记应用、视图、所需字段和用途，即可授权", "register the application, the view, the fields needed and the purpose with the data bureau, and it is granted",
	},
	{
		"B", "有条件共享", "shared on conditions",
		"向数据局提出应用、视图、所需字段、用途和依据，提供部门同意后授权", "apply to the data bureau with the application, the view, the fields needed, the purpose and its legal basis; it is granted when the providing department agrees",
	},
	{
		"C", "不予共享", "not shared",
		"依法不予共享，不提供字段；有核验视图的，可向数据局申请，只答“是”或“否”", "not shared by law: no field is given; where there is a view for verification, apply to the data bureau for yes or no",
	},
}

// classOf returns the class of a dataset.
func classOf(id string) Class {
	for _, c := range classes {
		if c.ID == id {
			return c
		}
	}
	return Class{}
}
