import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  server: {
    host: "0.0.0.0",
    port: 5173,
    strictPort: true,
    // The names under which the page is asked for: from this machine, and from other sandboxes.
    allowedHosts: ["127.0.0.1", "localhost", "frontend"],
    // The browser only ever talks to this server, so it needs to know neither the API's name nor its port.
    proxy: { "/api": { target: process.env.API_URL ?? "http://backend:3000" } },
  },
  // Prepared at start; found later, each of them would reload the page under the visitor.
  optimizeDeps: {
    include: [
      "@tanstack/react-query",
      "axios",
      "react",
      "react-dom/client",
      "react-router-dom",
      "react/jsx-dev-runtime",
      "zustand",
      "zustand/middleware",
    ],
  },
});
