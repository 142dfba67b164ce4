import { Link } from "react-router";
import { Card, PageHead } from "../components/Page";
import { Empty } from "../components/State";
import { useI18n } from "../i18n";

export default function NotFound() {
  const { t } = useI18n();
  return (
    <>
      <PageHead title={t("notFound.title")} />
      <Card>
        <Empty title={t("notFound.do")} action={<Link to="/">{t("nav.overview")}</Link>} />
      </Card>
    </>
  );
}
