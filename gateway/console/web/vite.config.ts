/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The gateway a developer's page talks to; that of make demo by default.
const gateway = process.env.YIYUAN_GATEWAY ?? "http://127.0.0.1:8080";

// File names hold only hexadecimal hashes and never begin with "_" or ".",
// which go:embed would leave out.
const clean = (name: string) => name.replace(/[^A-Za-z0-9-]/g, "-").replace(/^-+/, "") || "part";

export default defineConfig({
  base: "./",
  plugins: [react()],
  build: {
    target: "chrome100",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1500,
    rolldownOptions: {
      output: {
        hashCharacters: "hex",
        entryFileNames: "assets/console-[hash].js",
        chunkFileNames: (chunk) => `assets/${clean(chunk.name)}-[hash].js`,
        assetFileNames: "assets/[name]-[hash][extname]",
      },
    },
  },
  server: {
    port: 5173,
    proxy: {
      "/v1": gateway,
      "/openapi.json": gateway,
      "/readyz": gateway,
    },
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
