// The left menu: groups of pages in the order people work. A later page is one
// more line here and one more route in App.tsx.

import { ApartmentOutlined, BranchesOutlined, BugOutlined, DashboardOutlined, DatabaseOutlined, SafetyOutlined, SearchOutlined, SwapOutlined } from "@ant-design/icons";
import type { ReactNode } from "react";
import type { Key } from "./i18n";

export interface NavItem {
  path: string;
  label: Key;
  icon: ReactNode;
}
export interface NavGroup {
  label: Key;
  items: NavItem[];
}

export const nav: NavGroup[] = [
  {
    label: "nav.group.overview",
    items: [{ path: "/", label: "nav.overview", icon: <DashboardOutlined /> }],
  },
  {
    label: "nav.group.use",
    items: [
      { path: "/catalogue", label: "nav.catalogue", icon: <DatabaseOutlined /> },
      { path: "/lookup", label: "nav.lookup", icon: <SearchOutlined /> },
    ],
  },
  {
    label: "nav.group.check",
    items: [
      { path: "/findings", label: "nav.findings", icon: <SwapOutlined /> },
      { path: "/verifications", label: "nav.verifications", icon: <SafetyOutlined /> },
    ],
  },
  {
    label: "nav.group.run",
    items: [
      { path: "/sources", label: "nav.sources", icon: <BranchesOutlined /> },
      { path: "/quarantine", label: "nav.quarantine", icon: <BugOutlined /> },
      { path: "/topology", label: "nav.topology", icon: <ApartmentOutlined /> },
    ],
  },
];
