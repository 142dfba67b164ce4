import { createRoot } from "react-dom/client";
import { App } from "./App";
import "./style.css";
import "./pages.css";
import "./phone.css";

createRoot(document.getElementById("root")!).render(<App />);
