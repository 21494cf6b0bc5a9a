// Who is logged in: a token, kept for as long as the browser's tab lives.
import { create } from "zustand";
import { createJSONStorage, persist } from "zustand/middleware";

export const useSession = create(
  persist(
    (set) => ({
      token: null,
      open: (token) => set({ token }),
      close: () => set({ token: null }),
    }),
    {
      name: "session",
      storage: createJSONStorage(() => sessionStorage),
      partialize: ({ token }) => ({ token }),
    },
  ),
);
