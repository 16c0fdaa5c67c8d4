import { useEffect, useState, type ReactNode } from "react";

const THEMES = ["light dark", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];
const NAMES: Readonly<Record<Theme, string>> = { "light dark": "Auto", light: "Light", dark: "Dark" };

/** As the system has it, or light, or dark; kept for the next visit. */
export function ThemeButton(): ReactNode {
  const [theme, setTheme] = useState<Theme>(storedTheme);
  useEffect(() => {
    document.documentElement.style.colorScheme = theme;
    localStorage.setItem("theme", theme);
  }, [theme]);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "light dark";
  return (
    <button type="button" className="small" onClick={() => setTheme(next)} aria-label={`Colours: ${NAMES[theme]}`}>
      {NAMES[theme]}
    </button>
  );
}

function storedTheme(): Theme {
  const stored = localStorage.getItem("theme");
  return THEMES.find((theme) => theme === stored) ?? "light dark";
}
