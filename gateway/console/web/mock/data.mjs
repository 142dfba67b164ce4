// Synthetic data in the shapes of the gateway's answers, for developing the
// console without one. Region 5399xx is not assigned: no number here can belong
// to a real person or enterprise.

export const now = () => new Date().toISOString();
export const ago = (s) => new Date(Date.now() - s * 1000).toISOString();

const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
export const citizen = (first17) => first17 + "10X98765432"[[...first17].reduce((n, c, i) => n + Number(c) * weights[i], 0) % 11];

export const departments = [
  ["GA", "公安局", "Public Security"],
  ["MZ", "民政局", "Civil Affairs"],
  ["RS", "人社局", "Human Resources"],
  ["WJ", "卫健委", "Health Commission"],
  ["YB", "医保局", "Healthcare Security"],
  ["SC", "市场监管局", "Market Regulation"],
  ["SW", "税务局", "Taxation"],
  ["ZR", "自然资源局", "Natural Resources"],
  ["ZJ", "住建局", "Housing"],
  ["JY", "教育局", "Education"],
  ["SP", "行政审批局", "Approvals"],
  ["CL", "残联", "Disabled Persons' Federation"],
].map(([id, title, english]) => ({ id, title, english }));
export const departmentTitle = Object.fromEntries(departments.map((d) => [d.id, d.title]));

const titles = {
  GMSFHM: "公民身份号码", XM: "姓名", XBDM: "性别", MZDM: "民族", CSRQ: "出生日期", HJDXZQHDM: "户籍地区划", HJDZ: "户籍地址", YHZGXDM: "与户主关系", HYZKDM: "婚姻状况",
  CSZBH: "出生证编号", ZXBZ: "注销标志", ZXYY: "注销原因", ZXRQ: "注销日期", DJH: "登记号", JZDXZQHDM: "居住地区划", JZDZ: "居住地址", LXDH: "联系电话", QSRQ: "起始日期", ZZRQ: "终止日期",
  HPHM: "号牌号码", HPZLDM: "号牌种类", SYRGMSFHM: "所有人身份号码", SYRTYSHXYDM: "所有人信用代码", CLXH: "车辆型号", CDRQ: "初登日期", ZTDM: "状态", TYSHXYDM: "统一社会信用代码",
  JGMC: "机构名称", FDDBRXM: "法定代表人", DJZTDM: "登记状态", ZS: "住所", ZCZB: "注册资本", SWRQ: "死亡日期", DYZTDM: "待遇状态", YDY: "月待遇", YHKH: "银行卡号", JZLBDM: "救助类别",
};
const elements = { GMSFHM: "id_number", XM: "person_name", CSRQ: "date", HJDZ: "address", JZDZ: "address", LXDH: "phone", TYSHXYDM: "uscc", HPHM: "plate", YHKH: "bank_card", YDY: "amount" };
const codes = {
  XBDM: [["0", "未知"], ["1", "男"], ["2", "女"], ["9", "未说明"]],
  HYZKDM: [["10", "未婚"], ["20", "已婚"], ["30", "丧偶"], ["40", "离婚"], ["90", "未说明"]],
};

// id | title | english | class | cycle | key | fields (* source, ? nullable)
const table = `
GA01|户籍人口基本信息|Household register|B|realtime|GMSFHM|GMSFHM XM* XBDM* MZDM* CSRQ* HJDXZQHDM* HJDZ* YHZGXDM? HYZKDM? CSZBH? ZXBZ ZXYY? ZXRQ?
GA02|居住登记（流动人口）|Residence register|B|realtime|GMSFHM DJH|GMSFHM DJH JZDXZQHDM* JZDZ* LXDH? QSRQ ZZRQ?
GA03|机动车登记|Vehicle register|B|realtime|HPHM HPZLDM|HPHM HPZLDM SYRGMSFHM?* SYRTYSHXYDM?* CLXH* CDRQ* ZTDM*
MZ01|婚姻登记|Marriage register|B|realtime|DJZH|DJZH NFGMSFHM* NVFGMSFHM* HYZKDM* DJLXDM* DJRQ* LHRQ?
MZ02|低保及救助对象|Social relief|B|realtime|JTBH GMSFHM|JTBH GMSFHM JZLBDM* QSRQ* ZZRQ? JTSR?
MZ03|火化信息|Cremations|B|daily|HHZH|HHZH GMSFHM HHRQ* SWRQ?
MZ04|社会组织登记|Social organisations|A|realtime|TYSHXYDM|TYSHXYDM JGMC* FDDBRXM* DJZTDM* CLRQ
RS01|职工社保参保|Social insurance|B|realtime|GMSFHM TYSHXYDM|GMSFHM TYSHXYDM XM CBZTDM* JFJS* CBQSRQ* CBZZRQ?
RS02|养老待遇领取|Pensions in payment|B|realtime|GMSFHM|GMSFHM DYZTDM* YDY* YHKH? LXDH?
RS03|单位参保登记|Insured employers|B|realtime|TYSHXYDM|TYSHXYDM JGMC CBRS* FDDBRXM DWDZ ZTDM*
WJ01|出生医学证明|Birth certificates|B|daily|CSZBH|CSZBH XSEXM XBDM CSRQ* MQGMSFHM* QFRQ
WJ02|死亡医学证明|Death certificates|B|realtime|ZMBH|ZMBH GMSFHM SWRQ* SWDD* SYMS CXBZ
YB01|医保参保|Medical insurance|B|realtime|GMSFHM|GMSFHM XM ZGYBZTDM* JMYBZTDM* CBD JZDZ?
YB02|就诊结算明细|Medical settlements|C|daily|JSH|JSH GMSFHM ZDBM JE JSRQ
SC01|市场主体登记|Market entities|A|realtime|TYSHXYDM|TYSHXYDM JGMC* FDDBRXM* FDDBRZJHM? ZCZB* BZDM CLRQ* HZRQ DJZTDM* ZS* HYDM
SC02|经营异常和严重违法名单|Abnormal operations|A|realtime|TYSHXYDM LRH|TYSHXYDM LRH LRYY* LRRQ* YCRQ?*
SW01|税务登记|Tax register|B|realtime|TYSHXYDM|TYSHXYDM NSRZTDM* ZGFJ* JGMC FDDBRXM JYDZ
SW02|个税扣缴申报汇总|Payroll tax summary|B|monthly|TYSHXYDM SSQ|TYSHXYDM SSQ SBRS* GZZE*
ZR01|不动产权登记|Real estate register|B|realtime|BDCDYH QZH|BDCDYH QZH QLRGMSFHM?* QLRTYSHXYDM?* MJ* ZL* DYBZ* YTDM
ZJ01|房屋建筑物基础信息|Buildings|A|quarterly|JZWBM|JZWBM LDZB* CS* BZDZ*
ZJ02|住房公积金缴存|Housing fund|B|realtime|GMSFHM TYSHXYDM|GMSFHM TYSHXYDM JCZTDM* JCJS* DWMC
JY01|中小学学籍|School roll|B|halfyear|XJH|XJH GMSFHM? XM XXMC* NJ* JHRGMSFHM? ZTDM
SP01|行政许可和处罚双公示|Licences and penalties|A|realtime|JDSWH|JDSWH TYSHXYDM XKLXDM JDNR* JDRQ* GSRQ? YXQZ?*
CL01|残疾人证|Disability cards|B|monthly|CJZH|CJZH GMSFHM CJLBDM* CJDJDM* YXQ*
`;
const ages = { realtime: 40, daily: 40000, monthly: 1200000, quarterly: 4000000, halfyear: 17000000 };
const sourceOf = { GA: "ga-pg", RS: "rs-pg", SC: "sc-pg", MZ: "mz-mysql", ZJ: "zj-mysql", YB: "yb-mysql", SW: "sw-qzj", ZR: "zr-qzj", SP: "sp-rest", WJ: "wj-rest", JY: "jy-file", CL: "cl-file" };
const kindOf = { pg: "postgres", mysql: "mysql", qzj: "query", rest: "http", file: "file" };

export const datasets = table
  .trim()
  .split("\n")
  .map((line, n) => {
    const [id, title, english, cls, cycle, key, spec] = line.split("|");
    const provider = id.slice(0, 2);
    const fields = spec.split(" ").map((f) => {
      const name = f.replace(/[?*]/g, "");
      const sensitive = /GMSFHM|ZJHM|YHKH|ZDBM|SYMS/.test(name);
      const mask = cls === "C" ? { verify: "digest" } : { clear: "clear", partial: sensitive || /XM$|DZ$|LXDH|HPHM/.test(name) ? "partial" : name.endsWith("RQ") && provider === "GA" ? "year" : /YDY|JFJS|JTSR/.test(name) ? "band" : "clear" };
      return {
        name,
        title: titles[name] ?? name,
        element: elements[name] ?? (/DM$|BZ$/.test(name) ? "code" : name.endsWith("RQ") ? "date" : "identifier"),
        type: name.endsWith("RQ") ? "date" : /YDY|JFJS|JE$|MJ/.test(name) ? "decimal(10,2)" : /RS$|CS$/.test(name) ? "long" : "string",
        level: /ZDBM|SYMS/.test(name) ? "L4" : sensitive ? "L3" : "L2",
        nullable: f.includes("?"),
        source: f.includes("*"),
        mask,
        codes: (codes[name] ?? []).map(([value, t]) => ({ value, title: t })),
        element_title: titles[name] ?? name,
      };
    });
    const state = provider === "SW" && cycle === "realtime" ? "stopped" : id === "JY01" ? "overdue" : id === "CL01" ? "due" : "fresh";
    return {
      id, title, english, provider, provider_title: departmentTitle[provider], class: cls, cycle, state,
      code: `1${String(n + 1).padStart(2, "0")}010001/00000${(n % 9) + 1}`,
      key: key.split(" "), fields,
      views: (cls === "C" ? ["verify"] : ["clear", "partial"]).map((name) => ({ id: `${id}.${name}`, name, title: title + { verify: "核验", clear: "", partial: "（脱敏）" }[name], only: name === "verify" ? "verify" : "" })),
      rows: 20000 + ((n * 7919) % 600) * 1031,
      last_update: ago((state === "overdue" ? 3 : 1) * ages[cycle]), as_of: now(),
      sources: [sourceOf[provider]],
      basis: cls === "C" ? "《中华人民共和国基本医疗卫生与健康促进法》第九十二条" : "",
      links: key.includes("GMSFHM") || spec.startsWith("GMSFHM") || spec.includes(" GMSFHM") ? [{ entity: "person", key: "GMSFHM", role: "" }] : spec.includes("TYSHXYDM") ? [{ entity: "enterprise", key: "TYSHXYDM", role: "" }] : [],
      rules: id === "GA01" ? [{ id: "XV-01", title: "身份号码自校验", severity: "medium" }, { id: "XV-08", title: "婚姻状况不一致", severity: "low" }] : provider === "RS" ? [{ id: "XV-04", title: "死亡后仍在领取养老待遇", severity: "high" }] : [],
    };
  });
export const byId = Object.fromEntries(datasets.map((d) => [d.id, d]));

const zh = (text) => text.split(" / ")[0];
const en = (text) => text.split(" / ")[1] ?? text;

const lastError = (name) => (name === "sw-qzj" ? "前置库拒绝连接：口令已过期，请税务局更新账号 / front-end database refused the connection: password expired" : name === "sp-rest" ? "接口曾返回 502，已自动重试成功 / upstream answered 502, retried" : "");

export const sources = [...new Set(Object.values(sourceOf))].map((name) => ({
  name,
  kind: kindOf[name.split("-")[1]],
  datasets: datasets.filter((d) => d.sources[0] === name).map((d) => d.id),
  state: name === "sw-qzj" ? "failed" : name === "zr-qzj" ? "snapshot" : "running",
  last_error: zh(lastError(name)),
  last_error_en: en(lastError(name)),
  last_seen: ago(name === "sw-qzj" ? 1900 : 3),
  rows: 12345 + name.length * 98765,
}));

const golden = [
  ["XM", "姓名", ["GA01"]], ["XBDM", "性别", ["GA01"]], ["MZDM", "民族", ["GA01"]], ["CSRQ", "出生日期", ["GA01"]], ["HJDXZQHDM", "户籍地区划", ["GA01"]], ["HJDZ", "户籍地址", ["GA01"]],
  ["JZDXZQHDM", "居住地区划", ["GA02"], "residence"], ["JZDZ", "居住地址", ["GA02", "YB01"], "residence"], ["HYZKDM", "婚姻状况", ["MZ01", "GA01"]], ["SWRQ", "死亡日期", ["WJ02", "MZ03", "GA01"]], ["LXDH", "联系电话", ["RS02", "GA02"]], ["XLDM", "学历", []],
];
export const entities = {
  person: {
    id: "person", title: "人口基础库", english: "Persons", key: { name: "GMSFHM", title: "公民身份号码", element: "id_number" },
    fields: golden.map(([name, title, from, group]) => ({ name, title, group: group ?? "", element: elements[name] ?? "code", codes: (codes[name] ?? []).map(([value, t]) => ({ value, title: t })), sources: from.map((dataset) => ({ dataset, flag: dataset === "YB01" ? "非权威" : "" })) })),
    views: ["person.partial", "person.verify", "person.alive", "person.explain"],
    authority: { version: 1, effective: "2026-01-01T00:00:00+08:00", basis: "云岭市一数一源清单（试行）" },
  },
  enterprise: {
    id: "enterprise", title: "法人基础库", english: "Enterprises", key: { name: "TYSHXYDM", title: "统一社会信用代码", element: "uscc" },
    fields: [["JGMC", "机构名称", ["SC01", "MZ04"], "register"], ["FDDBRXM", "法定代表人", ["SC01", "MZ04"], "register"], ["ZS", "住所", ["SC01"], "register"], ["DJZTDM", "登记状态", ["SC01", "MZ04"]], ["NSRZTDM", "纳税人状态", ["SW01"]], ["CBRS", "参保人数", ["RS03"]]].map(([name, title, from, group]) => ({ name, title, group: group ?? "", element: elements[name] ?? "text", sources: from.map((dataset) => ({ dataset })) })),
    views: ["enterprise.public", "enterprise.partial", "enterprise.explain"],
    authority: { version: 1, effective: "2026-01-01T00:00:00+08:00" },
  },
};

export const purposes = [
  ["GLJT", "高龄津贴静默认证", "Old-age allowance"], ["DBHD", "低保核对", "Relief check"], ["RXYJS", "入学一件事", "School entry"], ["QYZX", "企业注销一网办", "Deregistration"], ["SUPERVISE", "监督", "Supervision"],
].map(([id, title, english]) => ({ id, title, english }));

const cases = [
  ["XV-04", "死亡后仍在领取养老待遇", "high", "RS", "person", [["WJ02", "SWRQ", "2026-08-11"], ["RS02", "DYZTDM", "1"]], "请人社局核实死亡证明后停发，并追回多发部分。 / Check the certificate, stop payment."],
  ["XV-08", "婚姻状况与婚姻登记不一致", "low", "GA", "person", [["GA01", "HYZKDM", "10"], ["MZ01", "HYZKDM", "20"]], "请公安局按婚姻登记更新户口簿。"],
  ["XV-14", "已注销企业仍正常纳税", "high", "SW", "enterprise", [["SC01", "DJZTDM", "3"], ["SW01", "NSRZTDM", "1"]], "请税务局核实并办理清税注销。"],
  ["XV-03", "姓名不一致", "medium", "YB", "person", [["GA01", "XM", "罗**"], ["YB01", "XM", "骆**"]], "请医保局按户籍姓名更正。"],
  ["XV-18", "职工医保与居民医保重复参保", "medium", "YB", "person", [["YB01", "ZGYBZTDM", "1"], ["YB01", "JMYBZTDM", "1"]], "请医保局保留一种参保。"],
  ["XV-06", "死亡日期与火化信息不符", "medium", "MZ", "person", [["WJ02", "SWRQ", "2026-09-01"], ["MZ03", "SWRQ", "2026-09-20"], ["golden", "SWRQ", "2026-09-01"]], "请民政局核对火化证。<b onmouseover=alert(1)>x</b>"],
];
export const rules = cases.map(([id, title, severity, , entity]) => ({ id, title, english: "", severity, entity }));
export const findings = Array.from({ length: 137 }, (_, i) => {
  const [rule, title, severity, owner, entity, ev, advice] = cases[i % cases.length];
  const closed = i % 7 === 6;
  return {
    id: (0xabc000 + i * 7919).toString(16).padStart(32, "0"), rule, case: ev[1][0], title, entity, severity, owner, owner_title: departmentTitle[owner], advice,
    subject: `t1.${(i * 104729).toString(32).padStart(20, "k")}`,
    subject_masked: entity === "person" ? "539902************" : "91539900MA********",
    state: closed ? "closed" : "open", opened_at: ago(3600 * (i + 1)), due: new Date(Date.now() + (i % 9 - 2) * 86400000).toISOString().slice(0, 10),
    closed_at: closed ? ago(600 * i) : null, reopened: i % 11 === 0 ? 1 : 0,
    evidence: ev.map(([dataset, field, value], k) => ({ dataset, field, value, at: ago(86400 * (k + 1)) })),
  };
});

const reasons = [["invalid", "CSRQ", "日期不存在 / no such date", "GA01"], ["schema", "", "列 JFJS 由数值改为文本，已暂停该表 / column changed type", "RS01"], ["unreadable", "", "第 12 行不是 GB18030 / not GB18030", "JY01"], ["missing", "XM", "必填字段为空 / required field is empty", "YB01"]];
export const quarantine = Array.from({ length: 64 }, (_, i) => {
  const [reason, field, detail, dataset] = reasons[(i * i + i) % 7 % reasons.length];
  return { dataset, field, reason, detail: zh(detail), detail_en: en(detail), source: dataset === "JY01" ? "jy-file" : `raw.${dataset}`, at: ago(300 * i + 20), locator: dataset === "JY01" ? `xueji-2026-09.csv:${i + 12}:3` : `raw.${dataset}/${i % 8}@${1300 + i}`, digest: (i * 2654435761 + 0x5bd1e995).toString(16).padEnd(32, "7") };
});

const view = (id, title, fields, key_title, only = "") => ({ id, title, fields: fields.map((name) => ({ name, title: titles[name] ?? name, kind: name === "GA03" ? "rows" : "text" })), key_title, only, purposes: [], until: id.startsWith("GA03") ? "2026-12-31T16:00:00Z" : null, quota: 60 });
export const apps = [
  { id: "MZ-GLJT", title: "高龄津贴静默认证", department: "MZ", department_title: "民政局", key: "demo-gljt", purposes: ["GLJT"], views: [view("person.alive", "生存状态", ["SWRQ"], "公民身份号码"), view("person.verify", "核验", ["XM", "CSRQ", "HJDZ"], "公民身份号码", "verify")] },
  { id: "MZ-DBHD", title: "低保核对", department: "MZ", department_title: "民政局", key: "demo-mz", purposes: ["DBHD"], views: [view("person.partial", "人口脱敏视图", ["GMSFHM", "XM", "XBDM", "CSRQ", "HJDXZQHDM", "HYZKDM", "LXDH", "GA03"], "公民身份号码"), view("GA03.partial", "机动车", ["HPHM", "CLXH"], "号牌号码"), view("person.explain", "", [], "")] },
  { id: "SP-QYZX", title: "企业注销一网办", department: "SP", department_title: "行政审批局", key: "demo-sp", purposes: ["QYZX"], views: [view("enterprise.public", "法人公开视图", ["TYSHXYDM", "JGMC", "FDDBRXM"], "统一社会信用代码")] },
  { id: "SJ-JDGL", title: "监督", department: "SJ", department_title: "数据局", key: "demo-sj", purposes: ["SUPERVISE"], views: [] },
];
export const sampleKey = citizen("53990219700101101");
export const samples = { "person.partial": sampleKey, "person.alive": sampleKey, "person.verify": sampleKey };
