import { CheckOutlined, CopyOutlined } from "@ant-design/icons";
import { Tooltip } from "antd";
import { useState } from "react";
import { useI18n } from "../i18n";

/** Text with a copy button that says when it has copied. */
export function Copy({ text, label }: { text: string; label?: string }) {
  const { t } = useI18n();
  const [done, setDone] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Plain http on a government intranet has no clipboard API.
      const area = document.createElement("textarea");
      area.value = text;
      area.style.position = "fixed";
      area.style.opacity = "0";
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <Tooltip title={done ? t("common.copied") : t("common.copy")}>
      <button type="button" className="copy" aria-label={t("common.copy")} onClick={() => void copy()}>
        {done ? <CheckOutlined /> : <CopyOutlined />}
        {label ? <span>{label}</span> : null}
      </button>
    </Tooltip>
  );
}

export function Code({ text }: { text: string }) {
  return (
    <div className="code">
      <Copy text={text} />
      <pre tabIndex={0}>{text}</pre>
    </div>
  );
}
