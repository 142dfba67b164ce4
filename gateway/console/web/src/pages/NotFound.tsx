import { Link } from "react-router";
import { Card } from "../components/Page";
import { Empty } from "../components/State";
import { useI18n } from "../i18n";

export default function NotFound() {
  const { t } = useI18n();
  return (
    <Card>
      <Empty title={t("notFound.title")} action={<Link to="/">{t("nav.overview")}</Link>}>
        {t("notFound.do")}
      </Empty>
    </Card>
  );
}
